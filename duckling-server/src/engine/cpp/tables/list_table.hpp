// Tables of schema `duckherder`, in which a database keeps what belongs to its distributed tables, in the user's transactions.
#pragma once

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/common/types/data_chunk.hpp"

#include <functional>
#include <string>

namespace duckdb {
class DuckTransaction;
}

namespace duckling {

struct ListDefinition {
	const char *name;
	//! The first one is the id of the distributed table
	std::vector<std::pair<const char *, duckdb::LogicalType>> columns;

	//! SQL that creates the table, unless it is there.
	std::string CreateSql(const std::string &quoted_schema) const;
	duckdb::vector<duckdb::LogicalType> Types() const;
};

class ListTable {
public:
	//! Throws if the database of `catalog` has no such list.
	ListTable(duckdb::ClientContext &context, duckdb::Catalog &catalog, const ListDefinition &definition);

	//! Gets the values of a row, and its id for as long as the transaction.
	using Visitor = std::function<void(const duckdb::vector<duckdb::Value> &, duckdb::row_t)>;

	//! Visit the rows in the order in which they were added, as the transaction sees them.
	void Scan(const Visitor &visit);
	//! Visit those of a distributed table.
	void Scan(const std::string &table_id, const Visitor &visit);
	void Append(const std::vector<duckdb::vector<duckdb::Value>> &rows);
	//! The same, in a transaction that is being committed: it is its context's no more.
	static void AppendAtCommit(duckdb::DuckTransaction &transaction, duckdb::DuckTableEntry &entry,
	                           const std::vector<duckdb::vector<duckdb::Value>> &rows);
	//! Throws DuckDB's error of a conflict if another transaction has removed one.
	void Remove(const std::vector<duckdb::row_t> &rows);

	duckdb::DuckTableEntry &Entry() {
		return *entry;
	}

private:
	void Scan(const std::string *table_id, const Visitor &visit);

	duckdb::ClientContext &context;
	duckdb::Catalog &catalog;
	duckdb::vector<duckdb::LogicalType> types;
	duckdb::DuckTableEntry *entry;
};

} // namespace duckling
