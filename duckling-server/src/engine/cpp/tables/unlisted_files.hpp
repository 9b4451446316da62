// Files on the storage that no table lists.
#pragma once

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/common/types/interval.hpp"

#include <set>
#include <string>
#include <vector>

namespace duckling {

struct RemovedFile {
	std::string path;
	duckdb::idx_t file_size_bytes;
};

//! Forget snapshots of the tables of these ids that were replaced longer than `older_than` ago, and remove files of a database, or of
//! one of its tables, that are older and that no transaction lists or can still read.
std::vector<RemovedFile> RemoveUnlistedFiles(duckdb::ClientContext &context, duckdb::Catalog &catalog,
                                             duckdb::optional_ptr<duckdb::DuckTableEntry> table,
                                             const std::set<std::string> &table_ids,
                                             const duckdb::interval_t &older_than);

} // namespace duckling
