// Plans that write rows into files of a distributed table.
#pragma once

#include "changed_rows.hpp"
#include "definition_change.hpp"

#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_insert.hpp"

namespace duckling {

//! Of files of a table that is partitioned or sorted, and of those that tasks write
constexpr duckdb::idx_t TARGET_FILE_BYTES = 128000000;

//! Of the columns that are stored
std::vector<std::string> ColumnNames(const duckdb::ColumnList &columns);
//! What COPY calls the value of a key: no column is called so, and names sort in the order of the keys.
std::string PartitionName(duckdb::idx_t key);

//! Files whose rows are all written anew
struct FileReplacement {
	std::vector<TableFile> files;
	//! To other transactions
	bool gives_way = false;
};

duckdb::PhysicalOperator &PlanFileInsert(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::LogicalInsert &op, duckdb::PhysicalOperator &rows);
duckdb::PhysicalOperator &PlanFileCreateTableAs(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                                duckdb::LogicalCreateTable &op, duckdb::PhysicalOperator &rows);

//! Do to `table` what `changes` say, which `ChangedRows` takes. `returned`: types of what RETURNING can name.
duckdb::PhysicalOperator &PlanFileChange(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                         duckdb::DuckTableEntry &table,
                                         duckdb::vector<duckdb::unique_ptr<duckdb::BoundConstraint>> constraints,
                                         duckdb::vector<duckdb::LogicalType> returned, Repetition repetition,
                                         const duckdb::LogicalOperator &op, duckdb::PhysicalOperator &changes);

//! Put `rows` in the place of files of a table, and change its definition, if `change` is not NULL.
duckdb::PhysicalOperator &PlanFileRewrite(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
                                          duckdb::DuckTableEntry &table,
                                          duckdb::vector<duckdb::unique_ptr<duckdb::BoundConstraint>> constraints,
                                          FileReplacement replaced, duckdb::unique_ptr<DefinitionChange> change,
                                          const duckdb::LogicalOperator &op, duckdb::PhysicalOperator &rows);

} // namespace duckling
