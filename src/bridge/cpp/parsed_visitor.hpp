// Walking through parsed statements.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/parsed_expression.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"
#include "duckdb/parser/tableref.hpp"

namespace duckherder {

using TableVisitor = std::function<void(duckdb::TableRef &)>;
//! May put something else in the place of the expression.
using ExpressionVisitor = std::function<void(duckdb::unique_ptr<duckdb::ParsedExpression> &)>;

//! Visit every table and every expression in `node`, those in its subqueries too.
void VisitAll(duckdb::QueryNode &node, const TableVisitor &table, const ExpressionVisitor &expression);

//! Visit every expression in `node`, or every call of a function.
void VisitExpressions(duckdb::QueryNode &node, const ExpressionVisitor &expression);
void VisitCalls(duckdb::QueryNode &node, const std::function<void(duckdb::FunctionExpression &)> &call);

//! The query or the change that a statement is, or that fills the table it creates; none if it is something else.
duckdb::optional_ptr<duckdb::QueryNode> NodeOf(duckdb::SQLStatement &statement);

} // namespace duckherder
