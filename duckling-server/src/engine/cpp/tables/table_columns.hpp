// Which columns of a distributed table are which columns of its files.
#pragma once

#include "list_table.hpp"
#include "table_files.hpp"

#include <map>

namespace duckling {

struct TableColumns {
	//! Of the table's columns that are stored, in their order
	ColumnIds ids;
	//! The first one that no column has had
	int64_t next_id;
	//! Packed values of columns in rows that are older than the column; NULL if there is none
	std::map<int64_t, std::string> initial_values;
	//! Of its row in the list, for as long as the transaction; -1 if there is none
	duckdb::row_t list_row = -1;
};

ListDefinition ColumnsList();

//! The columns of a table as the transaction of `context` sees them. A table that has never been altered has ids from 1 on.
TableColumns ListColumns(duckdb::ClientContext &context, duckdb::TableCatalogEntry &table);
//! List other columns for a table, in the transaction of `context`.
void ReplaceColumns(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id,
                    const TableColumns &columns);
//! Ids of `count` columns of a new table.
ColumnIds FirstColumnIds(duckdb::idx_t count);

} // namespace duckling
