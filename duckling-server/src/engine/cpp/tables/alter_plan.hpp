// Plans that alter distributed tables.
#pragma once

#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/logical_operator.hpp"

namespace duckling {

//! If `op` alters a distributed table in a way that concerns its rows, put a plan that does so in its place. Scans in that plan
//! are still of the table.
bool PlanAlter(duckdb::ClientContext &context, duckdb::Binder &binder, duckdb::unique_ptr<duckdb::LogicalOperator> &op);

} // namespace duckling
