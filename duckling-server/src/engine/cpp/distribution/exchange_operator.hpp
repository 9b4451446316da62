// The operator that stands for a part of a plan which other ducklings run.
#pragma once

#include "distributed_query.hpp"

#include "engine.h"

#include "duckdb/planner/operator/logical_extension_operator.hpp"

namespace duckling {

//! What an exchange looks like to the rest of the plan.
struct ExchangeColumns {
	duckdb::vector<duckdb::ColumnBinding> bindings;
	duckdb::vector<duckdb::LogicalType> types;
	//! Rows, estimated
	duckdb::optional_idx cardinality;

	//! As `replaced` does.
	static ExchangeColumns Of(duckdb::LogicalOperator &replaced);
};

//! Make the operator that yields the rows of `query`. The feeds of the query are to become its children.
duckdb::unique_ptr<duckdb::LogicalOperator> MakeExchange(const dh_engine_cluster &cluster, DistributedQuery query,
                                                         ExchangeColumns columns);

} // namespace duckling
