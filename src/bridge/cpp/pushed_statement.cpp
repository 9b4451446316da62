// A statement that is pushed down, on its way from the optimizer to the table function that runs it.

#include "pushed_statement.hpp"

#include "parsed_visitor.hpp"

#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/parameter_expression.hpp"

using namespace duckdb;

namespace duckherder {

static void VisitParameters(QueryNode &node, const ExpressionVisitor &parameter) {
	VisitExpressions(node, [&](unique_ptr<ParsedExpression> &expression) {
		if (expression->GetExpressionClass() == ExpressionClass::PARAMETER) {
			parameter(expression);
		}
	});
}

PushedStatement::PushedStatement(StatementKind kind_p, SentStatement sent_p) : kind(kind_p), sent(std::move(sent_p)) {
}

PushedStatement::PushedStatement(unique_ptr<QueryNode> node_p)
    : kind(KindOf(*node_p)), node(std::move(node_p)), inputs(TakeLocalInputs(*node)), sent(node) {
	VisitParameters(*node, [&](unique_ptr<ParsedExpression> &parameter) {
		auto &name = parameter->Cast<ParameterExpression>().Identifier();
		if (std::find(parameters.begin(), parameters.end(), name) == parameters.end()) {
			parameters.push_back(name);
		}
	});
}

//! Cast the parameters by which aggregates are ordered: DuckDB refuses bare literals there.
static void CastOrders(QueryNode &node, const std::function<LogicalType(const ParsedExpression &)> &type_of) {
	VisitCalls(node, [&](FunctionExpression &call) {
		if (!call.OrderBy()) {
			return;
		}
		for (auto &order : call.OrderByMutable()->orders) {
			if (order.expression->GetExpressionClass() == ExpressionClass::PARAMETER) {
				auto type = type_of(*order.expression);
				order.expression = make_uniq<CastExpression>(type, std::move(order.expression));
			}
		}
	});
}

unique_ptr<QueryNode> PushedStatement::WithValues(const vector<Value> &values) const {
	auto copy = node->Copy();
	auto value_of = [&](const ParsedExpression &parameter) -> const Value & {
		auto &name = parameter.Cast<ParameterExpression>().Identifier();
		return values[idx_t(std::find(parameters.begin(), parameters.end(), name) - parameters.begin())];
	};
	CastOrders(*copy, [&](const ParsedExpression &parameter) { return value_of(parameter).type(); });
	VisitParameters(*copy, [&](unique_ptr<ParsedExpression> &parameter) {
		auto constant = ConstantExpression::FromValue(value_of(*parameter));
		constant->SetAlias(parameter->GetAlias());
		constant->SetQueryLocation(parameter->GetQueryLocation());
		parameter = std::move(constant);
	});
	return copy;
}

} // namespace duckherder
