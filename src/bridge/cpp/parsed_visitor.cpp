// Walking through parsed statements.

#include "parsed_visitor.hpp"

#include "duckdb/parser/expression/subquery_expression.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/query_node/merge_query_node.hpp"
#include "duckdb/parser/query_node/update_query_node.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/parser/statement/delete_statement.hpp"
#include "duckdb/parser/statement/insert_statement.hpp"
#include "duckdb/parser/statement/merge_into_statement.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/statement/update_statement.hpp"

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

void VisitExpressions(QueryNode &node, const ExpressionVisitor &expression) {
	VisitAll(node, [](TableRef &) {}, expression);
}

void VisitCalls(QueryNode &node, const std::function<void(FunctionExpression &)> &call) {
	VisitExpressions(node, [&](unique_ptr<ParsedExpression> &expression) {
		if (expression->GetExpressionClass() == ExpressionClass::FUNCTION) {
			call(expression->Cast<FunctionExpression>());
		}
	});
}

optional_ptr<QueryNode> NodeOf(SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::SELECT_STATEMENT:
		return statement.Cast<SelectStatement>().node.get();
	case StatementType::INSERT_STATEMENT:
		return statement.Cast<InsertStatement>().node.get();
	case StatementType::UPDATE_STATEMENT:
		return statement.Cast<UpdateStatement>().node.get();
	case StatementType::DELETE_STATEMENT:
		return statement.Cast<DeleteStatement>().node.get();
	case StatementType::MERGE_INTO_STATEMENT:
		return statement.Cast<MergeIntoStatement>().node.get();
	case StatementType::CREATE_STATEMENT: {
		auto &info = *statement.Cast<CreateStatement>().info;
		if (info.type != CatalogType::TABLE_ENTRY || !info.Cast<CreateTableInfo>().query) {
			return nullptr;
		}
		return info.Cast<CreateTableInfo>().query->node.get();
	}
	default:
		return nullptr;
	}
}

} // namespace duckherder
