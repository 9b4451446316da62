// A statement that is pushed down, on its way from the optimizer to the table function that runs it.

#include "pushed_statement.hpp"

#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/parameter_expression.hpp"
#include "duckdb/parser/expression/subquery_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/statement/select_statement.hpp"

using namespace duckdb;

namespace duckherder {

using ParameterCallback = std::function<void(unique_ptr<ParsedExpression> &)>;

static void VisitParameters(QueryNode &node, const ParameterCallback &callback);

static void VisitParameters(unique_ptr<ParsedExpression> &expression, const ParameterCallback &callback) {
	if (expression->GetExpressionClass() == ExpressionClass::PARAMETER) {
		callback(expression);
		return;
	}
	if (expression->GetExpressionClass() == ExpressionClass::SUBQUERY) {
		VisitParameters(*expression->Cast<SubqueryExpression>().SubqueryMutable()->node, callback);
	}
	ParsedExpressionIterator::EnumerateChildren(
	    *expression, [&](unique_ptr<ParsedExpression> &child) { VisitParameters(child, callback); });
}

static void VisitParameters(QueryNode &node, const ParameterCallback &callback) {
	ParsedExpressionIterator::EnumerateQueryNodeChildren(
	    node, [&](unique_ptr<ParsedExpression> &child) { VisitParameters(child, callback); });
}

PushedStatement::PushedStatement(StatementKind kind_p) : kind(kind_p) {
}

PushedStatement::PushedStatement(unique_ptr<QueryNode> node_p) : kind(KindOf(*node_p)), node(std::move(node_p)) {
	inputs = TakeLocalInputs(*node);
	VisitParameters(*node, [&](unique_ptr<ParsedExpression> &parameter) {
		auto &name = parameter->Cast<ParameterExpression>().Identifier();
		if (std::find(parameters.begin(), parameters.end(), name) == parameters.end()) {
			parameters.push_back(name);
		}
	});
}

unique_ptr<QueryNode> PushedStatement::WithValues(const vector<Value> &values) const {
	auto copy = node->Copy();
	VisitParameters(*copy, [&](unique_ptr<ParsedExpression> &parameter) {
		auto &name = parameter->Cast<ParameterExpression>().Identifier();
		auto index = idx_t(std::find(parameters.begin(), parameters.end(), name) - parameters.begin());
		auto constant = ConstantExpression::FromValue(values[index]);
		constant->SetAlias(parameter->GetAlias());
		parameter = std::move(constant);
	});
	return copy;
}

} // namespace duckherder
