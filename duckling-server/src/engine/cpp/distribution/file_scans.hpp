// Scans of files that every duckling reaches, and how tasks divide them.
#pragma once

#include "distributed_query.hpp"

#include "duckdb/common/unordered_map.hpp"
#include "duckdb/planner/logical_plan_sql_exporter.hpp"
#include "duckdb/planner/operator/logical_get.hpp"

namespace duckling {

//! Whether `get` reads files in a way that tasks can divide.
bool IsFileScan(const duckdb::LogicalGet &get);
//! How many rows its files have, as far as that is known.
duckdb::idx_t RowsOfFiles(duckdb::ClientContext &context, duckdb::LogicalGet &get);

//! What the tasks of a stage read of a file scan.
struct FileSplit {
	//! The SQL of each task
	duckdb::vector<std::string> sql;
	//! Tasks read whole files or row groups; otherwise ranges of rows within row groups
	bool by_row_groups;
};

//! How the file scans of a statement are divided. Each is looked into once, however often its plan is tried.
class FileSplits {
public:
	//! Divide the rows of `get` among `tasks`, always the same number; `query` is the scan as SQL.
	const FileSplit &Get(duckdb::ClientContext &context, const duckdb::LogicalGet &get, const duckdb::QueryNode &query,
	                     duckdb::idx_t tasks);

private:
	duckdb::unordered_map<const duckdb::LogicalGet *, FileSplit> splits;
};

//! `query`, which scans the files of `get`, for every task alike.
std::string WholeFileScan(duckdb::ClientContext &context, const duckdb::LogicalGet &get,
                          const duckdb::QueryNode &query);

} // namespace duckling
