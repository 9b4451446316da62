// The list of the files of distributed tables.
#pragma once

#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/common/optional.hpp"

#include <set>
#include <string>

namespace duckling {

//! Of columns of a distributed table: a column keeps its id when it is renamed, and gets a new one when its type changes.
using ColumnIds = std::vector<int64_t>;

//! A complete, durable file.
struct TableFile {
	//! Below the root of the storage
	std::string path;
	duckdb::idx_t row_count;
	duckdb::idx_t file_size_bytes;
	//! MD5, in hexadecimal digits
	std::string checksum;
	//! As FileVersion() tells it
	std::string file_version;
	//! MAP(column, MAP(statistic, value)), as COPY … (RETURN_STATS) tells them
	duckdb::Value column_statistics;
	//! Of its columns, in their order
	ColumnIds column_ids;
	std::vector<std::string> column_names;
	//! Texts of what its rows have in common, one for each key by which the table is partitioned
	std::vector<std::string> partition_values;
	//! Ids of the changes (see table_snapshots.hpp) that have listed it and taken it off the list, if any has
	std::string added_by, removed_by;
	//! Of its row in the list, for as long as the transaction
	duckdb::row_t list_row = 0;
};

//! Folder of all files of a database, below the root of the storage: nobody else writes there.
std::string DatabaseFolder(duckdb::ClientContext &context, duckdb::Catalog &catalog);
//! Folder of a table's files in it
std::string TableFolder(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id);

//! The files of a table in the order in which they were listed, as the transaction of `context` sees them.
std::vector<TableFile> ListFiles(duckdb::ClientContext &context, duckdb::TableCatalogEntry &table);
//! Add files of a table to the list, in the transaction of `context`.
void AddFiles(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id,
              const std::vector<TableFile> &files);
//! Take files of a table off the list, in the transaction of `context`: they become former ones. Throws DuckDB's error of a conflict
//! if another transaction has done so.
void RemoveFiles(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id,
                 const std::vector<TableFile> &files);

//! Files that snapshots of a table have and its present does not, as the transaction of `context` sees them.
std::vector<TableFile> ListFormerFiles(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id);
//! Forget former files, in the transaction of `context`.
void ForgetFormerFiles(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::vector<TableFile> &files);

//! Paths of the files of all tables of a database, and of their snapshots, if these are wanted too.
std::set<std::string> ListedPaths(duckdb::ClientContext &context, duckdb::Catalog &catalog, bool with_former_files);
//! Forget what the lists tell of other tables.
void RemoveTablesBut(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::set<std::string> &table_ids);

//! Of a new file: nothing else has it, and it tells when it was made.
std::string NewFileName();

//! A statistic of a column that is not nested, such as "null_count", in its text.
duckdb::optional<std::string> StatisticOf(const duckdb::Value &column_statistics, const std::string &column,
                                          const std::string &name);
//! The type of `TableFile::column_statistics`
duckdb::LogicalType StatisticsType();
duckdb::Value TextsValue(const std::vector<std::string> &texts);
duckdb::Value ColumnIdsValue(const ColumnIds &ids);
ColumnIds ColumnIdsOf(const duckdb::Value &value);

} // namespace duckling
