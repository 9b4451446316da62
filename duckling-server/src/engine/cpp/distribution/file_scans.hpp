// Scans of files that every duckling reaches, and how tasks divide them.
#pragma once

#include "distributed_query.hpp"

#include "duckdb/common/unordered_map.hpp"
#include "duckdb/planner/logical_plan_sql_exporter.hpp"
#include "duckdb/planner/operator/logical_get.hpp"

namespace duckling {

//! Whether `get` reads files in a way that tasks can divide.
bool IsFileScan(const duckdb::LogicalGet &get);

//! What is in a Parquet file.
struct FileSize {
	std::string path;
	duckdb::idx_t rows;
	duckdb::idx_t row_groups;
};

//! Files of a table are divided by the bucket of this column, of so many.
struct FileBuckets {
	duckdb::ColumnBinding column;
	duckdb::idx_t count;
};

//! By what tasks divide the files of `get` if rows of the same bucket are to be in the same task; nothing if they are not.
duckdb::optional<FileBuckets> BucketsOf(const duckdb::LogicalGet &get, duckdb::idx_t tasks);

//! What the tasks of a stage read of a file scan.
struct FileSplit {
	//! The SQL of each task
	duckdb::vector<std::string> sql;
	//! Tasks read whole files or row groups; otherwise ranges of rows within row groups
	bool by_row_groups;
};

//! The file scans of a statement. Each file is looked into once, however often its plan is tried.
class FileScans {
public:
	explicit FileScans(duckdb::ClientContext &context);

	//! How many rows the files of `get` have, as far as that is known.
	duckdb::idx_t Rows(duckdb::LogicalGet &get);
	//! How many rows the files have that are scanned at or below `op`.
	duckdb::idx_t RowsBelow(duckdb::LogicalOperator &op);
	//! Divide the rows of `get` among `tasks`, always the same number; `query` is the scan as SQL.
	const FileSplit &Split(const duckdb::LogicalGet &get, const duckdb::QueryNode &query, duckdb::idx_t tasks);

private:
	//! The files of `get`, which are Parquet and not too many.
	duckdb::vector<FileSize> Sizes(const duckdb::LogicalGet &get);

	duckdb::ClientContext &context;
	duckdb::unordered_map<const duckdb::LogicalGet *, duckdb::idx_t> rows;
	duckdb::unordered_map<const duckdb::LogicalGet *, FileSplit> splits;
	//! By path
	duckdb::unordered_map<std::string, FileSize> sizes;
};

//! `query`, which scans the files of `get`, for every task alike.
std::string WholeFileScan(duckdb::ClientContext &context, const duckdb::LogicalGet &get,
                          const duckdb::QueryNode &query);

} // namespace duckling
