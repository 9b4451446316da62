// A query cut into stages that run on several ducklings.
#pragma once

#include "duckdb/common/insertion_order_preserving_map.hpp"
#include "duckdb/common/optional_idx.hpp"
#include "duckdb/common/types.hpp"
#include "duckdb/common/vector.hpp"

#include <string>

namespace duckdb {
class Expression;
class LogicalOperator;
} // namespace duckdb

namespace duckling {

//! Expressions that rows are compared by.
using Keys = duckdb::vector<duckdb::reference<const duckdb::Expression>>;

//! How the rows of one stage reach the tasks of the next.
enum class Exchange : uint8_t {
	//! Each row goes to the task that the hash in its last column belongs to
	SHUFFLE,
	//! Every row goes to every task
	BROADCAST,
	//! Every row goes to the only task
	GATHER
};

struct StageInput {
	//! What the SQL of the stage calls it
	std::string name;
	//! The stage that it comes from
	duckdb::idx_t stage;
	Exchange exchange;
};

//! A source that a stage reads by itself, such as files.
struct StageScan {
	std::string name;
	//! What each task reads
	duckdb::vector<std::string> sql;
	//! How many rows the source has, estimated
	duckdb::idx_t rows;
};

//! A part of the plan that the driver's own DuckDB computes, for tasks to read.
struct Feed {
	duckdb::reference<duckdb::LogicalOperator> op;
	//! The last column of its stage is their hash, or that of the whole row
	Keys keys;
	bool hashed;
	//! Estimated
	duckdb::idx_t rows;
};

//! Operators of a plan as SQL, which one or more tasks run; or a feed.
struct Stage {
	std::string sql;
	//! What follows COPY (sql), if tasks write the rows: theirs are then what COPY returns
	std::string target;
	//! Among the feeds of the query
	duckdb::optional_idx feed;
	duckdb::idx_t tasks;
	duckdb::vector<StageInput> inputs;
	duckdb::vector<StageScan> scans;
	duckdb::vector<duckdb::LogicalType> types;
	//! The last column is the hash that SHUFFLE goes by
	bool hashed = false;
};

//! The last stage has the result; each of the others is the input of exactly one.
struct DistributedQuery {
	duckdb::vector<Stage> stages;
	duckdb::vector<Feed> feeds;
	//! How the tasks divide what they read: one of the modes of duckherder_get_query_execution_stats. A literal.
	const char *mode = nullptr;
	//! How their rows come together: one of its merge strategies. A literal.
	const char *merge = nullptr;
	//! Settings of the session that the tasks must share
	duckdb::vector<std::pair<std::string, std::string>> settings;

	//! What EXPLAIN calls a stage.
	static std::string StageName(duckdb::idx_t stage);

	duckdb::idx_t TaskCount() const;
	//! As JSON, without the types.
	std::string ToJson() const;
	//! How many tasks a stage has, and what they read, in words.
	std::string Heading(duckdb::idx_t stage) const;
	//! What each stage does, for EXPLAIN.
	duckdb::InsertionOrderPreservingMap<std::string> Describe() const;
};

} // namespace duckling
