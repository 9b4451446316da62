// Plans that write rows into files of a distributed table.
#pragma once

#include "record_files.hpp"

#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_insert.hpp"

namespace duckling {

duckdb::PhysicalOperator &PlanFileInsert(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::LogicalInsert &op, duckdb::PhysicalOperator &rows);
duckdb::PhysicalOperator &PlanFileCreateTableAs(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                                duckdb::LogicalCreateTable &op, duckdb::PhysicalOperator &rows);

//! Append all of `rows`, which are rows of the table.
RecordFiles &PlanFileAppend(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                            duckdb::DuckTableEntry &table,
                            duckdb::vector<duckdb::unique_ptr<duckdb::BoundConstraint>> constraints, bool return_rows,
                            duckdb::vector<duckdb::LogicalType> types, duckdb::idx_t estimated_cardinality,
                            duckdb::PhysicalOperator &rows);

} // namespace duckling
