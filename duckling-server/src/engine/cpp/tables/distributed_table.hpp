// What makes a table of a database a distributed one: its rows are in files on storage that all ducklings reach.
//
// Its entry in the catalog is one of DuckDB's, of a table without rows. A tag of the entry holds the table's id, under which its
// files are listed; it is DuckDB that keeps tags, in every ALTER, in its log and in its checkpoints.
#pragma once

#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"

#include <string>

namespace duckling {

constexpr const char *TABLE_ID_TAG = "duckherder_table_id";
//! Schema of the tables that list files
constexpr const char *LIST_SCHEMA = "duckherder";

//! Whether its rows are in files.
bool IsDistributed(const duckdb::CatalogEntry &entry);
//! Unique for ever: a table that is created anew under an old name has no old files.
std::string TableId(const duckdb::InsertionOrderPreservingMap<std::string> &tags);
inline std::string TableId(const duckdb::CatalogEntry &table) {
	return TableId(table.tags);
}

//! Whether a table lists files, or what belongs to them.
bool IsOfList(const duckdb::TableCatalogEntry &table);
//! Throw: statements do not change such tables.
[[noreturn]] void RefuseList();

//! Turn `WITH (distributed = true)`, and the clauses of its layout, into tags of the entry to be, and refuse what its kind of table cannot have. Leaves
//! nothing of the clause; does nothing the second time.
void TakeTableOptions(duckdb::DatabaseInstance &instance, duckdb::CreateTableInfo &info);
//! What the server's default says of a table to be created, of which the statement says nothing: it becomes an option of the
//! statement. A table that cannot be distributed stays native; returns why it cannot, else an empty text.
std::string TakeDefaultKind(duckdb::Catalog &catalog, duckdb::CreateTableInfo &info);
//! Whether `info` is of a table that will be, or is, distributed.
bool WillBeDistributed(duckdb::DatabaseInstance &instance, duckdb::CreateTableInfo &info);

//! Where the files are; throws if the server has no storage.
std::string StorageRoot(duckdb::DatabaseInstance &instance);
//! The file of a path that a list names.
std::string StoredPath(duckdb::ClientContext &context, const std::string &path);

} // namespace duckling
