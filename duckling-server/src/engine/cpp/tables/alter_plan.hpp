// Plans that alter distributed tables, and write their rows anew.
#pragma once

#include "write_plan.hpp"

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/logical_operator.hpp"

namespace duckling {

//! If `op` alters a distributed table in a way that concerns its rows, put a plan that does so in its place. Scans in that plan
//! are still of the table.
bool PlanAlter(duckdb::ClientContext &context, duckdb::Binder &binder, duckdb::unique_ptr<duckdb::LogicalOperator> &op);

//! The operator, of table index `index`, that writes the rows of files into new ones, and returns how many there are.
duckdb::unique_ptr<duckdb::LogicalOperator> PlanCompaction(duckdb::ClientContext &context, duckdb::Binder &binder,
                                                           duckdb::DuckTableEntry &table, FileReplacement replaced,
                                                           duckdb::TableIndex index);

} // namespace duckling
