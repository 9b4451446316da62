// Other names of remote tables, which a user has registered.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog_entry.hpp"
#include "duckdb/catalog/entry_lookup_info.hpp"
#include "duckdb/common/optional.hpp"
#include "duckdb/parser/parsed_data/alter_info.hpp"
#include "duckdb/parser/parsed_data/create_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"

namespace duckherder {

class RemoteCatalog;
class RemoteSchema;

//! A schema and the name of a table or view in it.
struct TableName {
	//! Without a schema, the name is one of `main`.
	static TableName Parse(const std::string &text);

	std::string ToString() const;
	bool operator==(const TableName &other) const {
		return schema == other.schema && name == other.name;
	}

	duckdb::Identifier schema;
	duckdb::Identifier name;
};

//! The other names of an attached server's tables.
//!
//! A remote table's own name always means that table: a registered name counts for nothing while the server has a table
//! of that name, nor while the table that it stands for does not exist.
class RegisteredTables {
public:
	explicit RegisteredTables(RemoteCatalog &catalog);

	void Register(duckdb::ClientContext &context, const TableName &local, const TableName &remote);
	void Unregister(const TableName &local);
	bool Any();

	//! The table that a name stands for, if it is another table's name.
	duckdb::optional<TableName> Resolve(duckdb::ClientContext &context, const TableName &local);

private:
	//! Where the name leads, whatever there is on the server.
	duckdb::optional<TableName> Find(const TableName &local);

	RemoteCatalog &catalog;
	duckdb::mutex lock;
	duckdb::vector<std::pair<TableName, TableName>> names;
};

//! Catalog entries of tables under their other names; they live as long as the transaction that looked them up.
class RegisteredEntries {
public:
	//! The entry that a lookup in `schema` means by a registered name, or null.
	duckdb::optional_ptr<duckdb::CatalogEntry> Lookup(duckdb::CatalogTransaction transaction, RemoteSchema &schema,
	                                                  const duckdb::EntryLookupInfo &lookup);

private:
	struct Named {
		duckdb::CatalogEntry &stored;
		duckdb::unique_ptr<duckdb::CatalogEntry> entry;
	};

	duckdb::mutex lock;
	duckdb::vector<Named> entries;
};

// Put the tables themselves in the place of their registered names, before a statement is sent
void NameStoredTables(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::QueryNode &node);
void NameStoredTables(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::SQLStatement &statement);
void NameStoredTables(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::CreateInfo &info);
void NameStoredTables(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::AlterInfo &info);
void NameStoredTables(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::DropInfo &info);

} // namespace duckherder
