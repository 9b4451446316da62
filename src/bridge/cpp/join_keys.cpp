// The keys of a join's local side, sent to the server with the scan of its remote side.

#include "join_keys.hpp"

#include "table_scan.hpp"

#include "duckdb/common/string_util.hpp"
#include "duckdb/common/types/blob.hpp"
#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/execution/operator/join/join_filter_pushdown.hpp"
#include "duckdb/execution/physical_operator.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/optimizer/join_filter_pushdown_optimizer.hpp"
#include "duckdb/optimizer/optimizer.hpp"
#include "duckdb/planner/operator/logical_comparison_join.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"
#include "duckdb/planner/operator/logical_get.hpp"

using namespace duckdb;

namespace duckherder {

//! More are not sent: their text takes its time in the server's parser.
static constexpr idx_t MAX_KEYS = 100000;
//! Of texts, together
static constexpr idx_t MAX_TEXT_BYTES = 4 << 20;
//! Up to so many stand in the statement one by one, where the server sees what it can skip
static constexpr idx_t MAX_LISTED_KEYS = 50;
//! The server must be spared so many rows for each key
static constexpr idx_t MIN_ROWS_PER_KEY = 2;

JoinKeys::JoinKeys(LogicalType type_p) : type(std::move(type_p)) {
}

bool JoinKeys::Supports(const LogicalType &type) {
	switch (type.id()) {
	case LogicalTypeId::BOOLEAN:
	case LogicalTypeId::DATE:
	case LogicalTypeId::TIMESTAMP_SEC:
	case LogicalTypeId::TIMESTAMP_MS:
	case LogicalTypeId::TIMESTAMP:
	case LogicalTypeId::UUID:
	case LogicalTypeId::DECIMAL:
		return !type.HasAlias();
	case LogicalTypeId::VARCHAR:
		return !type.HasAlias() && StringType::GetCollation(type).empty();
	default:
		return type.IsIntegral() && !type.HasAlias();
	}
}

static string Hex(const string &bytes) {
	string result;
	for (unsigned char byte : bytes) {
		result += Blob::HEX_TABLE[byte >> 4];
		result += Blob::HEX_TABLE[byte & 15];
	}
	return result;
}

void JoinKeys::Begin() {
	lock_guard<mutex> guard(lock);
	keys.clear();
	text_bytes = 0;
	too_many = false;
	complete = false;
}

void JoinKeys::Add(const Vector &values, idx_t count) {
	if (too_many) {
		return;
	}
	lock_guard<mutex> guard(lock);
	for (idx_t i = 0; i < count; i++) {
		auto value = values.GetValue(i);
		if (value.IsNull()) {
			continue;
		}
		auto size = type.id() == LogicalTypeId::VARCHAR ? StringValue::Get(value).size() : 0;
		if (keys.insert(std::move(value)).second) {
			text_bytes += size;
		}
	}
	if (keys.size() > MAX_KEYS || text_bytes > MAX_TEXT_BYTES) {
		too_many = true;
		keys.clear();
	}
}

void JoinKeys::Finish() {
	lock_guard<mutex> guard(lock);
	complete = true;
}

string JoinKeys::Condition(const string &column, idx_t rows) const {
	lock_guard<mutex> guard(lock);
	if (!complete || too_many || keys.size() * MIN_ROWS_PER_KEY > rows) {
		return string();
	}
	if (keys.empty()) {
		return "false";
	}
	auto is_text = type.id() == LogicalTypeId::VARCHAR;
	vector<string> texts;
	if (keys.size() <= MAX_LISTED_KEYS) {
		for (auto &key : keys) {
			texts.push_back(key.ToSQLString());
		}
		return column + " IN (" + StringUtil::Join(texts, ", ") + ")";
	}
	// One string is parsed at once, a list of constants one by one. Text is encoded, so that it holds no comma.
	for (auto &key : keys) {
		texts.push_back(is_text ? Hex(StringValue::Get(key)) : key.ToString());
	}
	auto key = is_text ? string("decode(unhex(key))") : "CAST(key AS " + type.ToString() + ")";
	return column + " IN (SELECT " + key + " FROM unnest(string_split('" + StringUtil::Join(texts, ",") +
	       "', ',')) AS keys(key))";
}

namespace {

//! Passes the rows of a join's build side on, and their keys to the scans that wait for them.
class CollectJoinKeys : public PhysicalOperator {
public:
	CollectJoinKeys(PhysicalPlan &plan, vector<LogicalType> types_p, vector<unique_ptr<Expression>> expressions_p,
	                vector<shared_ptr<JoinKeys>> keys_p, idx_t estimated_cardinality)
	    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types_p), estimated_cardinality),
	      expressions(std::move(expressions_p)), keys(std::move(keys_p)) {
	}

	struct LocalState : public OperatorState {
		LocalState(ClientContext &context, const vector<unique_ptr<Expression>> &expressions)
		    : executor(context, expressions) {
			vector<LogicalType> types;
			for (auto &expression : expressions) {
				types.push_back(expression->GetReturnType());
			}
			values.Initialize(context, types);
		}
		ExpressionExecutor executor;
		DataChunk values;
	};

	string GetName() const override {
		return "JOIN_KEYS";
	}
	unique_ptr<GlobalOperatorState> GetGlobalOperatorState(ClientContext &context) const override {
		for (auto &column : keys) {
			column->Begin();
		}
		return PhysicalOperator::GetGlobalOperatorState(context);
	}
	unique_ptr<OperatorState> GetOperatorState(ExecutionContext &context) const override {
		return make_uniq<LocalState>(context.client, expressions);
	}
	bool ParallelOperator() const override {
		return true;
	}
	OperatorResultType Execute(ExecutionContext &, DataChunk &input, DataChunk &chunk, GlobalOperatorState &,
	                           OperatorState &state) const override {
		auto &local = state.Cast<LocalState>();
		local.values.Reset();
		local.executor.Execute(input, local.values);
		for (idx_t i = 0; i < keys.size(); i++) {
			keys[i]->Add(local.values.data[i], input.size());
		}
		chunk.Reference(input);
		return OperatorResultType::NEED_MORE_INPUT;
	}
	bool RequiresOperatorFinalize() const override {
		return true;
	}
	OperatorFinalResultType OperatorFinalize(Pipeline &, Event &, ClientContext &,
	                                         OperatorFinalizeInput &) const override {
		for (auto &column : keys) {
			column->Finish();
		}
		return OperatorFinalResultType::FINISHED;
	}

private:
	vector<unique_ptr<Expression>> expressions;
	vector<shared_ptr<JoinKeys>> keys;
};

struct LogicalCollectJoinKeys : public LogicalExtensionOperator {
	string GetName() const override {
		return "JOIN_KEYS";
	}
	string GetExtensionName() const override {
		return "duckherder";
	}
	vector<ColumnBinding> GetColumnBindings() override {
		return children[0]->GetColumnBindings();
	}
	void ResolveTypes() override {
		types = children[0]->types;
	}
	PhysicalOperator &CreatePlan(ClientContext &, PhysicalPlanGenerator &planner) override {
		auto &child = planner.CreatePlan(*children[0]);
		auto &collect = planner.Make<CollectJoinKeys>(child.types, std::move(expressions), std::move(keys),
		                                              child.estimated_cardinality);
		collect.children.push_back(child);
		return collect;
	}

	vector<shared_ptr<JoinKeys>> keys;
};

} // namespace

//! The remote scan that takes the filters which a join will find.
static optional_ptr<LogicalGet> FindScan(LogicalOperator &op, const DynamicTableFilterSet &filters) {
	if (op.type == LogicalOperatorType::LOGICAL_GET) {
		auto &get = op.Cast<LogicalGet>();
		auto is_wanted = get.dynamic_filters.get() == &filters && IsTableScan(get);
		return is_wanted ? &get : nullptr;
	}
	for (auto &child : op.children) {
		auto found = FindScan(*child, filters);
		if (found) {
			return found;
		}
	}
	return nullptr;
}

//! Whether the values of a column are compared as they are, or as a type that holds them all.
static bool IsComparedWhole(const JoinFilterPushdownColumn &column, const LogicalType &key_type) {
	return column.mode == JoinFilterPushdownMode::RECONSTRUCT_EXPRESSION &&
	       (column.storage_type == key_type ||
	        (column.storage_type.IsIntegral() && key_type.IsIntegral() &&
	         LogicalType::DefaultForceMaxLogicalType(column.storage_type, key_type) == key_type));
}

static void CollectKeys(LogicalComparisonJoin &join) {
	auto &info = *join.filter_pushdown;
	auto collect = make_uniq<LogicalCollectJoinKeys>();
	for (auto &probe : info.probe_info) {
		auto scan = FindScan(*join.children[0], *probe.dynamic_filters);
		if (!scan) {
			continue;
		}
		for (auto &column : probe.columns) {
			auto &condition = join.conditions[info.join_condition[column.join_filter_idx]];
			auto &type = condition.GetRHS().GetReturnType();
			if (condition.GetComparisonType() != ExpressionType::COMPARE_EQUAL || !JoinKeys::Supports(type) ||
			    !IsComparedWhole(column, type)) {
				continue;
			}
			auto keys = make_shared_ptr<JoinKeys>(type);
			FilterByJoinKeys(*scan, column.probe_column_index.column_index, keys);
			collect->keys.push_back(std::move(keys));
			collect->expressions.push_back(condition.GetRHS().Copy());
		}
	}
	if (collect->keys.empty()) {
		return;
	}
	collect->SetEstimatedCardinality(join.children[1]->estimated_cardinality);
	collect->children.push_back(std::move(join.children[1]));
	join.children[1] = std::move(collect);
	join.children[1]->ResolveOperatorTypes();
}

static void VisitJoins(LogicalOperator &op) {
	for (auto &child : op.children) {
		VisitJoins(*child);
	}
	if (op.type == LogicalOperatorType::LOGICAL_COMPARISON_JOIN) {
		auto &join = op.Cast<LogicalComparisonJoin>();
		// What is likely to be too many is not worth the collecting
		if (join.filter_pushdown && join.children[1]->estimated_cardinality <= MAX_KEYS) {
			CollectKeys(join);
		}
	}
}

//! Have scans take filters that are found while the statement runs. Before, they must not seem to: DuckDB would leave them
//! filters to apply that the server cannot answer. Returns whether there are any.
static bool TakeRuntimeFilters(LogicalOperator &op) {
	bool found = false;
	for (auto &child : op.children) {
		found = TakeRuntimeFilters(*child) || found;
	}
	if (op.type == LogicalOperatorType::LOGICAL_GET && IsTableScan(op.Cast<LogicalGet>())) {
		op.Cast<LogicalGet>().function.filter_pushdown = true;
		found = true;
	}
	return found;
}

static void FilterRemoteScans(OptimizerExtensionInput &input, unique_ptr<LogicalOperator> &plan) {
	if (input.optimizer.OptimizerDisabled(OptimizerType::JOIN_FILTER_PUSHDOWN) || !TakeRuntimeFilters(*plan)) {
		return;
	}
	JoinFilterPushdownOptimizer(input.optimizer).VisitOperator(*plan);
	VisitJoins(*plan);
}

OptimizerExtension RuntimeFiltersOfJoins() {
	OptimizerExtension extension;
	extension.optimize_function = FilterRemoteScans;
	return extension;
}

} // namespace duckherder
