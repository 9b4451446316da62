// Bound filters of the client as SQL conditions for the server.

#include "filter_pushdown.hpp"

#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/planner/bound_expression_sql_exporter.hpp"

#include <unordered_set>

using namespace duckdb;

namespace duckherder {

//! Functions whose answer depends on their arguments alone, or on the time zone (+ and -), which the server has from us.
static bool IsPlainFunction(const string &name) {
	static const std::unordered_set<string> PLAIN {
	    "~~", "!~~", "contains", "prefix", "suffix", "starts_with", "ends_with", "length", "+", "-", "*", "%", "abs"};
	return PLAIN.count(name) > 0;
}

static bool IsPlain(const ParsedExpression &expression) {
	switch (expression.GetExpressionClass()) {
	case ExpressionClass::COLUMN_REF:
	case ExpressionClass::CONSTANT:
	case ExpressionClass::COMPARISON:
	case ExpressionClass::CONJUNCTION:
	case ExpressionClass::OPERATOR:
	case ExpressionClass::BETWEEN:
	// A cast of a constant types it; casts of columns are not exported with one of the classes above alone
	case ExpressionClass::CAST:
	case ExpressionClass::TYPE:
		break;
	case ExpressionClass::FUNCTION:
		if (!IsPlainFunction(expression.Cast<FunctionExpression>().FunctionName().GetIdentifierName())) {
			return false;
		}
		break;
	default:
		return false;
	}
	bool plain = true;
	ParsedExpressionIterator::EnumerateChildren(expression, [&](const ParsedExpression &child) {
		// Casts between time zones, text and the rest follow the session's settings: only constants may be cast
		if (expression.GetExpressionClass() == ExpressionClass::CAST &&
		    child.GetExpressionClass() != ExpressionClass::CONSTANT &&
		    child.GetExpressionClass() != ExpressionClass::TYPE) {
			plain = false;
		}
		plain = plain && IsPlain(child);
	});
	return plain;
}

string FilterToSql(ClientContext &context, const Expression &filter, const ColumnResolver &column_of) {
	if (filter.IsVolatile() || filter.HasSubquery() || filter.HasParameter()) {
		return string();
	}
	BoundExpressionSQLExportContext export_context;
	export_context.client_context = context;
	export_context.resolve_binding = [&](const ColumnBinding &binding) -> optional<ResolvedSQLColumnReference> {
		auto column = column_of(binding);
		if (!column) {
			return {};
		}
		return ResolvedSQLColumnReference {{column->Name()}, column->Type(), {}};
	};
	auto exported = BoundExpressionSQLExporter::Export(filter, export_context);
	if (exported.HasError() || !IsPlain(*exported.GetValue())) {
		return string();
	}
	return exported.GetValue()->ToString();
}

} // namespace duckherder
