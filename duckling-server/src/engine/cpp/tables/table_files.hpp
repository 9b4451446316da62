// The list of the files of distributed tables: rows of a table of the same database, read and changed in the user's transaction.
#pragma once

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/common/types/data_chunk.hpp"

#include <string>

namespace duckling {

//! A complete, durable file.
struct TableFile {
	//! Below the root of the storage
	std::string path;
	duckdb::idx_t row_count;
	duckdb::idx_t file_size_bytes;
	//! MD5, in hexadecimal digits
	std::string checksum;
	//! MAP(column, MAP(statistic, value)), as COPY … (RETURN_STATS) tells them
	duckdb::Value column_statistics;
	//! Of its row in the list, for as long as the transaction
	duckdb::row_t list_row = 0;
};

//! SQL that creates the list in a database, unless it has one.
std::string CreateListSql(const std::string &quoted_database);

//! The files of a table in the order in which they were listed, as the transaction of `context` sees them.
duckdb::vector<TableFile> ListFiles(duckdb::ClientContext &context, duckdb::TableCatalogEntry &table);
//! Add files of a table to the list, in the transaction of `context`.
void AddFiles(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id,
              const duckdb::vector<TableFile> &files);

//! Take files off the list, in the transaction of `context`. Throws DuckDB's error of a conflict if another transaction has done so.
void RemoveFiles(duckdb::ClientContext &context, duckdb::Catalog &catalog, const duckdb::vector<TableFile> &files);

} // namespace duckling
