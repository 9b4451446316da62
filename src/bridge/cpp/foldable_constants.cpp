// Constant expressions that DuckDB must not fold.

#include "foldable_constants.hpp"

#include "parsed_visitor.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/macro_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp"
#include "duckdb/catalog/entry_lookup_info.hpp"
#include "duckdb/function/macro_function.hpp"
#include "duckdb/main/client_data.hpp"
#include "duckdb/main/prepared_statement_data.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/lambda_expression.hpp"
#include "duckdb/parser/expression/operator_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/statement/execute_statement.hpp"
#include "duckdb/parser/statement/explain_statement.hpp"
#include "duckdb/parser/statement/prepare_statement.hpp"
#include "duckdb/planner/binder.hpp"

using namespace duckdb;

namespace duckherder {

//! Constants and columns are left as they are.
static bool MayBeFolded(const ParsedExpression &expression) {
	return expression.GetExpressionClass() != ExpressionClass::CONSTANT &&
	       expression.GetExpressionClass() != ExpressionClass::COLUMN_REF;
}

static optional_ptr<CatalogEntry> FunctionOf(ClientContext &context, const FunctionExpression &call) {
	auto name = call.GetQualifiedName();
	if (name.Path().size() > 1) {
		// The first part may be a schema or a catalog
		name = Binder::CreateBinder(context)->BindTableName(name);
	}
	EntryLookupInfo lookup(CatalogType::SCALAR_FUNCTION_ENTRY, name);
	return Catalog::GetEntry(context, lookup, OnEntryNotFound::RETURN_NULL);
}

static bool IsVolatile(const ScalarFunctionCatalogEntry &entry) {
	for (auto &overload : entry.functions.functions) {
		if (overload->GetStability() == FunctionStability::VOLATILE) {
			return true;
		}
	}
	return false;
}

static bool IsConstant(ClientContext &context, const ParsedExpression &expression) {
	switch (expression.GetExpressionClass()) {
	case ExpressionClass::FUNCTION: {
		auto entry = FunctionOf(context, expression.Cast<FunctionExpression>());
		auto is_macro = entry && entry->type == CatalogType::MACRO_ENTRY;
		if (!is_macro && (!entry || entry->type != CatalogType::SCALAR_FUNCTION_ENTRY ||
		                  IsVolatile(entry->Cast<ScalarFunctionCatalogEntry>()))) {
			return false;
		}
		break;
	}
	case ExpressionClass::CONSTANT:
	case ExpressionClass::CAST:
	case ExpressionClass::TYPE:
	case ExpressionClass::COMPARISON:
	case ExpressionClass::CONJUNCTION:
	case ExpressionClass::OPERATOR:
	case ExpressionClass::BETWEEN:
	case ExpressionClass::CASE:
		break;
	default:
		return false;
	}
	bool constant = true;
	ParsedExpressionIterator::EnumerateChildren(
	    expression, [&](const ParsedExpression &child) { constant = constant && IsConstant(context, child); });
	return constant;
}

//! The parameters of the macro that a call means; none if several overloads could be meant.
static vector<Identifier> ParametersOf(ClientContext &context, const FunctionExpression &call) {
	auto entry = FunctionOf(context, call);
	vector<Identifier> names;
	if (!entry || entry->type != CatalogType::MACRO_ENTRY) {
		return names;
	}
	for (auto &macro : entry->Cast<MacroCatalogEntry>().macros) {
		auto count = macro->parameters.size();
		auto given = call.GetArguments().size();
		if (given > count || given + macro->default_parameters.size() < count) {
			continue;
		}
		vector<Identifier> parameters;
		for (idx_t i = 0; i < given; i++) {
			parameters.push_back(macro->parameters[i]->Cast<ColumnRefExpression>().GetColumnName());
		}
		if (!names.empty() && names != parameters) {
			return {};
		}
		names = std::move(parameters);
	}
	return names;
}

static bool IsNamed(const FunctionArgument &argument) {
	return argument.HasName() || argument.GetExpression().HasAlias();
}

//! DuckDB takes a parameter of a lambda that is a named argument for the column of that name.
static void HideLambdaParameter(const identifier_set_t &lambda_parameters, unique_ptr<ParsedExpression> &argument) {
	if (argument->GetExpressionClass() == ExpressionClass::COLUMN_REF) {
		auto &column = argument->Cast<ColumnRefExpression>();
		if (!column.IsQualified() && lambda_parameters.count(column.GetColumnName())) {
			argument = make_uniq<OperatorExpression>(ExpressionType::OPERATOR_COALESCE, std::move(argument));
		}
	}
}

static bool NameArguments(ClientContext &context, const identifier_set_t &lambda_parameters, FunctionExpression &call) {
	auto &arguments = call.GetArgumentsMutable();
	auto may_be_folded = std::any_of(arguments.begin(), arguments.end(), [](const FunctionArgument &argument) {
		return !IsNamed(argument) && MayBeFolded(argument.GetExpression());
	});
	if (!may_be_folded) {
		return false;
	}
	auto names = ParametersOf(context, call);
	for (idx_t i = 0; i < names.size() && !IsNamed(arguments[i]); i++) {
		auto &expression = arguments[i].GetExpressionMutable();
		HideLambdaParameter(lambda_parameters, expression);
		expression->SetAlias(names[i]);
		arguments[i] = FunctionArgument(names[i], std::move(expression));
	}
	return !names.empty();
}

static bool DropOrders(FunctionExpression &call, const std::function<bool(const ParsedExpression &)> &drops) {
	if (!call.OrderBy()) {
		return false;
	}
	auto &orders = call.OrderByMutable()->orders;
	auto kept = std::remove_if(orders.begin(), orders.end(),
	                           [&](const OrderByNode &order) { return drops(*order.expression); });
	auto found = kept != orders.end();
	orders.erase(kept, orders.end());
	return found;
}

static identifier_set_t LambdaParameters(QueryNode &node) {
	identifier_set_t result;
	VisitExpressions(node, [&](unique_ptr<ParsedExpression> &expression) {
		if (expression->GetExpressionClass() == ExpressionClass::LAMBDA) {
			string not_parameters;
			for (auto &parameter : expression->Cast<LambdaExpression>().ExtractColumnRefExpressions(not_parameters)) {
				result.insert(parameter.get().Cast<ColumnRefExpression>().GetColumnName());
			}
		}
	});
	return result;
}

bool ProtectConstants(ClientContext &context, SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::EXPLAIN_STATEMENT:
		return ProtectConstants(context, *statement.Cast<ExplainStatement>().stmt);
	case StatementType::PREPARE_STATEMENT:
		return ProtectConstants(context, *statement.Cast<PrepareStatement>().statement);
	case StatementType::EXECUTE_STATEMENT: {
		// It was prepared before a server was attached
		auto &prepared = ClientData::Get(context).prepared_statements;
		auto entry = prepared.find(statement.Cast<ExecuteStatement>().name);
		return entry != prepared.end() && ProtectConstants(context, *entry->second->unbound_statement);
	}
	default:
		break;
	}
	bool changed = false;
	if (auto node = NodeOf(statement)) {
		auto lambda_parameters = LambdaParameters(*node);
		VisitCalls(*node, [&](FunctionExpression &call) {
			auto dropped = DropOrders(call, [&](const ParsedExpression &order) {
				return MayBeFolded(order) && IsConstant(context, order);
			});
			auto named = NameArguments(context, lambda_parameters, call);
			changed = changed || dropped || named;
		});
	}
	return changed;
}

void DropFoldedOrders(QueryNode &node) {
	VisitCalls(node, [](FunctionExpression &call) {
		DropOrders(call, [](const ParsedExpression &order) {
			return order.GetExpressionClass() == ExpressionClass::CONSTANT && order.HasAlias();
		});
	});
}

} // namespace duckherder
