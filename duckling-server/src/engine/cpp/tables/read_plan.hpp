// Plans that read distributed tables.
#pragma once

#include "table_files.hpp"

#include "duckdb/main/config.hpp"
#include "duckdb/planner/binder.hpp"

namespace duckling {

//! Have scans of distributed tables read their files, in all plans of the instance.
void RegisterReadPlans(duckdb::DBConfig &config);

//! Put scans of `files`, which are some of those of `table`, in the place of its scan in `plan`.
void ScanSomeFiles(duckdb::ClientContext &context, duckdb::Binder &binder, const std::vector<TableFile> &files,
                   duckdb::unique_ptr<duckdb::LogicalOperator> &plan);

} // namespace duckling
