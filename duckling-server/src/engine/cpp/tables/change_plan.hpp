// Plans that delete, update and merge rows of distributed tables.
#pragma once

#include "changed_rows.hpp"

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/planner/operator/logical_delete.hpp"
#include "duckdb/planner/operator/logical_merge_into.hpp"
#include "duckdb/planner/operator/logical_update.hpp"

namespace duckling {

//! Have a statement read all columns of the rows that it updates, as they are written anew. Before its scan is replaced.
void ReadWholeRows(duckdb::LogicalUpdate &update);
void ReadWholeRows(duckdb::LogicalMergeInto &merge);

duckdb::PhysicalOperator &PlanFileDelete(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::LogicalDelete &op, duckdb::PhysicalOperator &rows);
duckdb::PhysicalOperator &PlanFileUpdate(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::LogicalUpdate &op, duckdb::PhysicalOperator &rows);
duckdb::PhysicalOperator &PlanFileMerge(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                        duckdb::LogicalMergeInto &op, duckdb::PhysicalOperator &rows);

//! The function that raises the errors of MERGE … THEN ERROR.
void RegisterMergeErrors(duckdb::DatabaseInstance &instance);

//! Evaluate `expressions`, which make rows that `ChangedRows` takes.
duckdb::PhysicalOperator &PlanProjection(duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> expressions,
                                         duckdb::PhysicalOperator &rows);
//! The value that an UPDATE gives to a column.
duckdb::unique_ptr<duckdb::Expression> NewValue(duckdb::ClientContext &context, const duckdb::Expression &value,
                                                const duckdb::ColumnDefinition &column,
                                                const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> &defaults);

} // namespace duckling
