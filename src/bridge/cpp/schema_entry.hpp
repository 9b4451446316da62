// A schema of an attached server.
#pragma once

#include "bridge_internal.hpp"
#include "remote_entry.hpp"

#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"

namespace duckherder {

class RemoteSnapshot;

class RemoteSchema : public duckdb::SchemaCatalogEntry {
public:
	RemoteSchema(RemoteSnapshot &snapshot, duckdb::Catalog &catalog, duckdb::CreateSchemaInfo &info,
	             duckdb::optional_ptr<RemoteSchema> parent);

	//! `entry` lives as long as the snapshot.
	void Add(const dh_entry &entry);
	void AddChild(RemoteSchema &child);
	//! Something that `entry` describes has changed.
	bool Update(const dh_entry &entry, const EntryState &state);
	//! Whether there is an entry of that name where entries of the type are.
	bool Has(duckdb::CatalogType type, const duckdb::Identifier &name) const;
	RemoteSnapshot &Snapshot() {
		return snapshot;
	}

	void Scan(duckdb::ClientContext &context, duckdb::CatalogType type,
	          const std::function<void(duckdb::CatalogEntry &)> &callback) override;
	void Scan(duckdb::CatalogType type, const std::function<void(duckdb::CatalogEntry &)> &callback) override;
	duckdb::optional_ptr<duckdb::CatalogEntry> LookupEntry(duckdb::CatalogTransaction transaction,
	                                                       const duckdb::EntryLookupInfo &lookup) override;
	duckdb::SimilarCatalogEntry GetSimilarEntry(duckdb::CatalogTransaction transaction,
	                                            const duckdb::EntryLookupInfo &lookup) override;

	//! Something in this snapshot of the schema; asks nobody.
	duckdb::optional_ptr<duckdb::CatalogEntry> Find(duckdb::ClientContext &context, duckdb::CatalogType type,
	                                                const duckdb::Identifier &name);

	// DDL that was not pushed down as a whole statement: sent as the statement that the parsed form prints.
	duckdb::optional_ptr<duckdb::CatalogEntry> CreateTable(duckdb::CatalogTransaction transaction,
	                                                       duckdb::BoundCreateTableInfo &info) override;
	duckdb::optional_ptr<duckdb::CatalogEntry> CreateView(duckdb::CatalogTransaction transaction,
	                                                      duckdb::CreateViewInfo &info) override;
	duckdb::optional_ptr<duckdb::CatalogEntry> CreateIndex(duckdb::CatalogTransaction transaction,
	                                                       duckdb::CreateIndexInfo &info,
	                                                       duckdb::TableCatalogEntry &table) override;
	duckdb::optional_ptr<duckdb::CatalogEntry> CreateSequence(duckdb::CatalogTransaction transaction,
	                                                          duckdb::CreateSequenceInfo &info) override;
	duckdb::optional_ptr<duckdb::CatalogEntry> CreateFunction(duckdb::CatalogTransaction transaction,
	                                                          duckdb::CreateFunctionInfo &info) override;
	duckdb::optional_ptr<duckdb::CatalogEntry> CreateType(duckdb::CatalogTransaction transaction,
	                                                      duckdb::CreateTypeInfo &info) override;
	void DropEntry(duckdb::ClientContext &context, duckdb::DropInfo &info) override;
	void Alter(duckdb::CatalogTransaction transaction, duckdb::AlterInfo &info) override;

private:
	struct Member {
		const dh_entry *entry;
		//! Made when they are first asked for
		duckdb::unique_ptr<duckdb::CatalogEntry> listed;
		duckdb::unique_ptr<duckdb::CatalogEntry> bound;
	};

	//! Entries that share a namespace, as those of a DuckDB schema do
	enum Set { RELATIONS, INDEXES, SEQUENCES, TYPES, FUNCTIONS, TABLE_FUNCTIONS, SET_COUNT };
	//! SET_COUNT if a remote schema holds none of the type.
	static Set SetOf(duckdb::CatalogType type);
	static Set SetOf(const dh_entry &entry);

	duckdb::optional_ptr<RemoteSchema> CurrentSelf(duckdb::ClientContext &context);
	duckdb::CatalogEntry &EntryOf(duckdb::ClientContext &context, Member &member, EntryUse use);

	RemoteSnapshot &snapshot;
	duckdb::identifier_map_t<duckdb::reference<RemoteSchema>> children;
	//! Guards the entries that are made on demand
	duckdb::mutex lock;
	duckdb::identifier_map_t<Member> sets[SET_COUNT];
};

} // namespace duckherder
