// The operator that stands for a part of a plan which other ducklings run.
#pragma once

#include "distributed_query.hpp"

#include "engine.h"

#include "duckdb/planner/operator/logical_extension_operator.hpp"

namespace duckling {

//! Make the operator that yields the rows of `query`, which has the columns of `replaced`. The feeds of the query are to
//! become its children.
duckdb::unique_ptr<duckdb::LogicalOperator> MakeExchange(const dh_engine_cluster &cluster, DistributedQuery query,
                                                         duckdb::LogicalOperator &replaced);

} // namespace duckling
