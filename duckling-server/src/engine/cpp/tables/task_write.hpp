// Statements that add rows to distributed tables, as tasks of several ducklings do it: each writes its rows into files of its own.
#pragma once

#include "duckdb/common/optional.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/logical_operator.hpp"

#include <string>

namespace duckling {

struct TaskWrite {
	//! What is stored of the rows of the statement's query; without that query as its child yet
	duckdb::unique_ptr<duckdb::LogicalOperator> rows;
	//! Of the columns of `rows`
	std::vector<std::string> column_names;
	//! What `COPY (rows)` is followed by
	std::string target;
};

//! How tasks can write what `op` adds to a table; nothing if it is for the driver to do. Leaves `op` as it is.
duckdb::optional<TaskWrite> TaskWriteOf(duckdb::ClientContext &context, duckdb::Binder &binder, duckdb::LogicalOperator &op);

//! What does the rest of `op`, and is to take its place: lists the files that `files` returns, as COPY … (RETURN_STATS) tells of them.
duckdb::unique_ptr<duckdb::LogicalOperator> ListTaskFiles(duckdb::ClientContext &context, duckdb::LogicalOperator &op,
                                                          duckdb::unique_ptr<duckdb::LogicalOperator> files);

} // namespace duckling
