// Plans that write rows into files of a distributed table.
#pragma once

#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_insert.hpp"

namespace duckling {

duckdb::PhysicalOperator &PlanFileInsert(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::LogicalInsert &op, duckdb::PhysicalOperator &rows);
duckdb::PhysicalOperator &PlanFileCreateTableAs(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                                duckdb::LogicalCreateTable &op, duckdb::PhysicalOperator &rows);

} // namespace duckling
