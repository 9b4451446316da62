// Parameters of prepared statements in what is pushed down.

#include "parameters.hpp"

#include "duckdb/main/config.hpp"
#include "duckdb/main/connection_manager.hpp"
#include "duckdb/main/prepared_statement_data.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/parameter_expression.hpp"
#include "duckdb/parser/expression/subquery_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/planner/extension_callback.hpp"

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

ParameterizedNode::ParameterizedNode(unique_ptr<QueryNode> node_p) : node(std::move(node_p)) {
	VisitParameters(*node, [&](unique_ptr<ParsedExpression> &parameter) {
		auto &name = parameter->Cast<ParameterExpression>().Identifier();
		if (std::find(names.begin(), names.end(), name) == names.end()) {
			names.push_back(name);
		}
	});
}

string ParameterizedNode::ToSql(const vector<Value> &values) const {
	auto copy = node->Copy();
	VisitParameters(*copy, [&](unique_ptr<ParsedExpression> &parameter) {
		auto &name = parameter->Cast<ParameterExpression>().Identifier();
		auto index = idx_t(std::find(names.begin(), names.end(), name) - names.begin());
		auto constant = ConstantExpression::FromValue(values[index]);
		constant->SetAlias(parameter->GetAlias());
		parameter = std::move(constant);
	});
	return copy->ToString();
}

ParameterCount &ParameterCount::Of(ClientContext &context) {
	return *context.registered_state->GetOrCreate<ParameterCount>("duckherder_parameter_count");
}

void ParameterCount::Set(idx_t count_p) {
	count = count_p;
}

void ParameterCount::QueryBegin(ClientContext &) {
	count = 0;
}

RebindQueryInfo ParameterCount::OnFinalizePrepare(ClientContext &, PreparedStatementData &prepared,
                                                  PreparedStatementMode) {
	// A statement that was pushed in part has kept its own count
	if (prepared.properties.parameter_count == 0) {
		prepared.properties.parameter_count = count;
	}
	count = 0;
	return RebindQueryInfo::DO_NOT_REBIND;
}

namespace {

struct ConnectionCallback : public ExtensionCallback {
	void OnConnectionOpened(ClientContext &context) override {
		ParameterCount::Of(context);
	}
};

} // namespace

void RegisterParameterCount(DatabaseInstance &database) {
	ExtensionCallback::Register(DBConfig::GetConfig(database), make_shared_ptr<ConnectionCallback>());
	for (auto &context : ConnectionManager::Get(database).GetConnectionList()) {
		ParameterCount::Of(*context);
	}
}

} // namespace duckherder
