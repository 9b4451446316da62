// Tables of schema `duckherder`, in which a database keeps what belongs to its distributed tables, in the user's transactions.
#pragma once

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/common/types/data_chunk.hpp"

#include <functional>
#include <string>

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

	//! Visit the rows of a distributed table in the order in which they were added, as the transaction sees them: the values, and
	//! the id of the row for as long as the transaction.
	void Scan(const std::string &table_id,
	          const std::function<void(const duckdb::vector<duckdb::Value> &, duckdb::row_t)> &visit);
	void Append(const std::vector<duckdb::vector<duckdb::Value>> &rows);
	//! Throws DuckDB's error of a conflict if another transaction has removed one.
	void Remove(const std::vector<duckdb::row_t> &rows);

private:
	duckdb::ClientContext &context;
	duckdb::Catalog &catalog;
	duckdb::vector<duckdb::LogicalType> types;
	duckdb::DuckTableEntry *entry;
};

} // namespace duckling
