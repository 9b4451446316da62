// The table function duckherder_query(catalog, sql).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/tableref.hpp"

namespace duckherder {

struct PushedStatement;

constexpr const char *QUERY_FUNCTION_NAME = "duckherder_query";

//! Runs `sql` on the server of `catalog` and returns its result. Every statement that is pushed down becomes a call of it.
duckdb::TableFunction QueryFunction();

//! The statement that a call pushes down, or null if the user wrote the call.
duckdb::optional_ptr<PushedStatement> PushedBy(duckdb::TableFunctionBindInput &input);
//! The pushed statement with the arguments of the call in the places of its parameters.
duckdb::unique_ptr<duckdb::QueryNode> PushedNode(duckdb::TableFunctionBindInput &input, const PushedStatement &pushed);
//! Tell DuckDB that the statement which is being bound reads from a server, or may change anything there.
void RegisterUse(duckdb::ClientContext &context, duckdb::TableFunctionBindInput &input, duckdb::Catalog &catalog,
                 bool read_only);

//! Statements of a finished plan that were bound without their server, those that change rows and return them: have it say
//! whether their columns are what the plan expects. One that is all of the plan is started with the same call, if they are.
//! False: nothing has run, and the plan must be made anew.
bool ConfirmExpected(duckdb::ClientContext &context, duckdb::PreparedStatementData &prepared, duckdb::Catalog &catalog);

//! Have the server measure the statement of a bound call when it is executed; the call will yield no rows then.
void AnalyzeQuery(duckdb::FunctionData &bind_data);

//! A call of the function, to put into a parsed statement.
duckdb::unique_ptr<duckdb::TableRef> QueryFunctionCall(duckdb::Catalog &catalog,
                                                       duckdb::shared_ptr<PushedStatement> pushed);

} // namespace duckherder
