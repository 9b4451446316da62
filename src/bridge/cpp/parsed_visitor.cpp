// Walking through parsed statements.

#include "parsed_visitor.hpp"

#include "duckdb/parser/expression/subquery_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/statement/select_statement.hpp"

using namespace duckdb;

namespace duckherder {

static void VisitExpression(unique_ptr<ParsedExpression> &root, const TableVisitor &table,
                            const ExpressionVisitor &expression) {
	expression(root);
	if (root->GetExpressionClass() == ExpressionClass::SUBQUERY) {
		VisitAll(*root->Cast<SubqueryExpression>().SubqueryMutable()->node, table, expression);
	}
	ParsedExpressionIterator::EnumerateChildren(
	    *root, [&](unique_ptr<ParsedExpression> &child) { VisitExpression(child, table, expression); });
}

void VisitAll(QueryNode &node, const TableVisitor &table, const ExpressionVisitor &expression) {
	ParsedExpressionIterator::EnumerateQueryNodeChildren(
	    node, [&](unique_ptr<ParsedExpression> &child) { VisitExpression(child, table, expression); }, table);
}

} // namespace duckherder
