// The operator that computes what the driver feeds to tasks.
#pragma once

#include "engine.h"

#include "duckdb/execution/physical_plan_generator.hpp"

#include <string>

namespace duckling {

//! Names and schema of the columns that stages exchange.
duckdb::vector<std::string> ColumnNames(duckdb::idx_t count);
void SchemaOf(duckdb::ClientContext &context, const duckdb::vector<duckdb::LogicalType> &types, ArrowSchema *out);

//! The rows of a feed, from when the driver computes them until the query has ended.
class FeedRows {
public:
	explicit FeedRows(const dh_engine_cluster &cluster);
	~FeedRows();

	//! Anew for each execution of the plan.
	void Begin(duckdb::ClientContext &context, const duckdb::vector<duckdb::LogicalType> &types);
	//! Consumes the array. May be called by several threads.
	void Append(ArrowArray array);
	void Free();
	void *Handle() const {
		return handle;
	}

private:
	const dh_engine_cluster &cluster;
	void *handle = nullptr;
};

//! Make the operator that first computes `feed`, for tasks of `exchange` to read.
duckdb::PhysicalOperator &MakeFeed(duckdb::PhysicalPlanGenerator &planner, duckdb::PhysicalOperator &feed,
                                   duckdb::PhysicalOperator &exchange, duckdb::shared_ptr<FeedRows> rows);

} // namespace duckling
