// EXPLAIN and EXPLAIN ANALYZE of what servers execute.

#include "explain.hpp"

#include "catalog.hpp"
#include "query_function.hpp"
#include "scan_state.hpp"
#include "server_plan.hpp"
#include "statement_with_inputs.hpp"
#include "table_scan.hpp"

#include "duckdb/execution/operator/scan/physical_table_scan.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/planner/operator/logical_explain.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"
#include "duckdb/planner/operator/logical_get.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

//! An operator of a server, to be shown. It is never executed.
class ShownOperator : public PhysicalOperator {
public:
	ShownOperator(PhysicalPlan &plan, const ServerOperator &op)
	    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, {}, 0), name(op.name), params(op.params) {
	}

	string GetName() const override {
		return name;
	}
	InsertionOrderPreservingMap<string> ParamsToString() const override {
		return params;
	}

private:
	string name;
	InsertionOrderPreservingMap<string> params;
};

//! The plan of an EXPLAIN. It shows itself as what is below, and adds the plans of servers to the physical plan.
struct LogicalExplained : public LogicalExtensionOperator {
	explicit LogicalExplained(unique_ptr<LogicalOperator> plan) {
		SetEstimatedCardinality(plan->estimated_cardinality);
		children.push_back(std::move(plan));
	}

	string GetName() const override {
		return children[0]->GetName();
	}
	string GetExtensionName() const override {
		return "duckherder";
	}
	string ToString(optional_ptr<ClientContext> context, const ProfilerPrintFormat &format) const override {
		return children[0]->ToString(context, format);
	}
	vector<ColumnBinding> GetColumnBindings() override {
		return children[0]->GetColumnBindings();
	}
	void ResolveTypes() override {
		types = children[0]->types;
	}
	PhysicalOperator &CreatePlan(ClientContext &context, PhysicalPlanGenerator &planner) override;
};

} // namespace

static PhysicalOperator &Shown(PhysicalPlanGenerator &planner, const ServerOperator &op) {
	auto &shown = planner.Make<ShownOperator>(op);
	for (auto &child : op.children) {
		shown.children.push_back(Shown(planner, child));
	}
	return shown;
}

static void ShowServerPlans(ClientContext &context, PhysicalPlanGenerator &planner, PhysicalOperator &op) {
	for (auto &child : op.GetChildren()) {
		// Part of the plan that is being made
		ShowServerPlans(context, planner, const_cast<PhysicalOperator &>(child.get()));
	}
	// Some are the children of several
	if (op.type != PhysicalOperatorType::TABLE_SCAN || !op.children.empty()) {
		return;
	}
	auto &scan = op.Cast<PhysicalTableScan>();
	auto &name = scan.function.GetName().GetIdentifierName();
	if (name != QUERY_FUNCTION_NAME && name != TABLE_SCAN_NAME) {
		return;
	}
	auto &data = scan.bind_data->Cast<RemoteScanData>();
	auto sql = data.ExplainedSql(context, scan);
	if (!CanBeExplained(sql)) {
		return;
	}
	for (auto &server_operator : ExplainOnServer(context, data.catalog, SentStatement(sql))) {
		op.children.push_back(Shown(planner, server_operator));
	}
}

PhysicalOperator &LogicalExplained::CreatePlan(ClientContext &context, PhysicalPlanGenerator &planner) {
	auto &plan = planner.CreatePlan(*children[0]);
	ShowServerPlans(context, planner, plan);
	return plan;
}

//! Have the server measure a statement that is all of the plan.
static void AnalyzeWholeStatement(LogicalOperator &plan) {
	switch (plan.type) {
	case LogicalOperatorType::LOGICAL_EXECUTE:
		if (!plan.children.empty()) {
			AnalyzeWholeStatement(*plan.children[0]);
		}
		break;
	case LogicalOperatorType::LOGICAL_PROJECTION: {
		auto passes_on = std::all_of(plan.expressions.begin(), plan.expressions.end(), [](const unique_ptr<Expression> &e) {
			return e->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF;
		});
		if (passes_on) {
			AnalyzeWholeStatement(*plan.children[0]);
		}
		break;
	}
	case LogicalOperatorType::LOGICAL_GET: {
		auto &get = plan.Cast<LogicalGet>();
		if (get.function.GetName() == QUERY_FUNCTION_NAME && !get.table_filters.HasFilters()) {
			AnalyzeQuery(*get.bind_data);
		}
		break;
	}
	case LogicalOperatorType::LOGICAL_EXTENSION_OPERATOR:
		AnalyzeStatementWithInputs(plan);
		break;
	default:
		break;
	}
}

static void Explain(OptimizerExtensionInput &input, unique_ptr<LogicalOperator> &plan) {
	if (plan->type == LogicalOperatorType::LOGICAL_EXECUTE && !plan->children.empty()) {
		// Some clients prepare all that they run
		Explain(input, plan->children[0]);
		return;
	}
	if (plan->type != LogicalOperatorType::LOGICAL_EXPLAIN || !RemoteCatalog::AnyAttached()) {
		return;
	}
	auto &explain = plan->Cast<LogicalExplain>();
	switch (explain.explain_type) {
	case ExplainType::EXPLAIN_STANDARD:
		explain.children[0] = make_uniq<LogicalExplained>(std::move(explain.children[0]));
		explain.children[0]->ResolveOperatorTypes();
		break;
	case ExplainType::EXPLAIN_ANALYZE:
		AnalyzeWholeStatement(*explain.children[0]);
		break;
	default:
		break;
	}
}

OptimizerExtension ExplainRemotePlans() {
	OptimizerExtension extension;
	extension.optimize_function = Explain;
	return extension;
}

} // namespace duckherder
