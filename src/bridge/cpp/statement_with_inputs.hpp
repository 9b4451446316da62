// A statement of a server that reads rows of the client.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"
#include "duckdb/planner/planner_extension.hpp"

namespace duckherder {

//! Binds a call of `duckherder_query` whose statement has local inputs: an operator that first runs the inputs, loads their
//! rows into temporary tables of the session, and then runs the statement, all in one transaction of the server. Returns
//! null for other calls.
duckdb::unique_ptr<duckdb::LogicalOperator> BindStatementWithInputs(duckdb::ClientContext &context,
                                                                    duckdb::TableFunctionBindInput &input,
                                                                    duckdb::TableIndex bind_index,
                                                                    duckdb::vector<duckdb::Identifier> &return_names);

//! If the operator is such a statement: have the server measure it when it is executed; it will yield no rows then.
void AnalyzeStatementWithInputs(duckdb::LogicalOperator &op);

//! Has DuckDB report what such a statement returns, changed rows or a result.
duckdb::PlannerExtension ReturnTypeOfStatementsWithInputs();

} // namespace duckherder
