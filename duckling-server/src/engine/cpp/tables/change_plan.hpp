// Plans that delete and update rows of distributed tables.
#pragma once

#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/planner/operator/logical_delete.hpp"
#include "duckdb/planner/operator/logical_update.hpp"

namespace duckling {

//! Have an UPDATE of a distributed table read all columns of the rows that it changes, as they are written anew. Before its scan is
//! replaced.
void ReadWholeRows(duckdb::LogicalUpdate &update);

duckdb::PhysicalOperator &PlanFileDelete(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::LogicalDelete &op, duckdb::PhysicalOperator &rows);
duckdb::PhysicalOperator &PlanFileUpdate(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::LogicalUpdate &op, duckdb::PhysicalOperator &rows);

} // namespace duckling
