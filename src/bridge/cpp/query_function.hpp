// The table function duckherder_query(catalog, sql).
#pragma once

#include "bridge_internal.hpp"
#include "statement_kind.hpp"

#include "duckdb/function/table_function.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/tableref.hpp"

namespace duckherder {

constexpr const char *QUERY_FUNCTION_NAME = "duckherder_query";

//! Runs `sql` on the server of `catalog` and returns its result. Every statement that is pushed down becomes a call of it.
duckdb::TableFunction QueryFunction();

//! A call of the function, to put into a parsed statement.
duckdb::unique_ptr<duckdb::TableRef> QueryFunctionCall(duckdb::Catalog &catalog, const std::string &sql,
                                                       StatementKind kind);
//! The same for a parsed query, which may have parameters.
duckdb::unique_ptr<duckdb::TableRef> QueryFunctionCall(duckdb::Catalog &catalog,
                                                       duckdb::unique_ptr<duckdb::QueryNode> node);

} // namespace duckherder
