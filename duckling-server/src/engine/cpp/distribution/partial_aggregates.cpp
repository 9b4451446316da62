// Aggregates that tasks evaluate on their own rows, and what makes one value of theirs.

#include "partial_aggregates.hpp"

#include "fragment_sql.hpp"

#include "duckdb/function/scalar/generic_common.hpp"
#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"

using namespace duckdb;

namespace duckling {

namespace {

struct Merge {
	const char *aggregate;
	//! The aggregate of the tasks' results
	const char *merge;
};

constexpr Merge MERGES[] = {{"count", "sum"},      {"count_star", "sum"}, {"sum", "sum"},         {"sum_no_overflow", "sum"},
                            {"min", "min"},        {"max", "max"},        {"bool_and", "bool_and"}, {"bool_or", "bool_or"},
                            {"bit_and", "bit_and"}, {"bit_or", "bit_or"},  {"bit_xor", "bit_xor"}};

const char *MergeOf(const BoundAggregateExpression &aggregate) {
	auto &name = aggregate.Function().GetName();
	for (auto &merge : MERGES) {
		if (name == Identifier(merge.aggregate)) {
			return merge.merge;
		}
	}
	return nullptr;
}

//! Aggregates whose states DuckDB can export and combine, with the result of all rows but for the last digit.
constexpr const char *STATES[] = {"avg",       "mean",         "stddev",     "stddev_samp", "stddev_pop",  "variance",
                                  "var_samp",  "var_pop",      "covar_samp", "covar_pop",   "corr",        "skewness",
                                  "kurtosis",  "kurtosis_pop", "product",    "favg",        "fsum",        "kahan_sum",
                                  "regr_avgx", "regr_avgy",    "regr_count", "regr_sxx",    "regr_syy",    "regr_sxy",
                                  "regr_r2",   "regr_slope",   "regr_intercept", "geomean", "geometric_mean"};

bool SendsState(const BoundAggregateExpression &aggregate) {
	auto &function = aggregate.Function();
	if (aggregate.IsDistinct() || !function.HasStateCombineCallback() || !function.HasGetStateTypeCallback()) {
		return false;
	}
	for (auto name : STATES) {
		if (function.GetName() == Identifier(name)) {
			return true;
		}
	}
	return false;
}

} // namespace

bool DependsOnOrder(const BoundAggregateExpression &aggregate) {
	if (aggregate.GetOrderBys()) {
		return true;
	}
	return !MergeOf(aggregate) && !SendsState(aggregate) && aggregate.Function().GetOrderDependent() != AggregateOrderDependent::NOT_ORDER_DEPENDENT;
}

bool IsExact(const BoundAggregateExpression &aggregate) {
	auto &name = aggregate.Function().GetName();
	auto type = aggregate.GetReturnType().id();
	return (type != LogicalTypeId::FLOAT && type != LogicalTypeId::DOUBLE) || name == Identifier("min") ||
	       name == Identifier("max");
}

bool IsMergeable(const BoundAggregateExpression &aggregate) {
	// min(x, n) and the like have lists
	return SendsState(aggregate) ||
	       (MergeOf(aggregate) && !aggregate.IsDistinct() && aggregate.GetChildren().size() <= 1);
}

PartialAggregate::PartialAggregate(LogicalAggregate &aggregate_p)
    : aggregate(aggregate_p), other_types(aggregate.types) {
	for (idx_t i = 0; i < aggregate.expressions.size(); i++) {
		auto &expression = aggregate.expressions[i]->Cast<BoundAggregateExpression>();
		auto copy = unique_ptr_cast<Expression, BoundAggregateExpression>(expression.Copy());
		if (SendsState(expression)) {
			copy = ExportAggregateFunction::Bind(std::move(copy));
			other_types[aggregate.groups.size() + i] = copy->GetReturnType();
		}
		others.push_back(std::move(copy));
	}
	Exchange();
}

PartialAggregate::~PartialAggregate() {
	Exchange();
}

void PartialAggregate::Exchange() {
	std::swap(aggregate.expressions, others);
	std::swap(aggregate.types, other_types);
}

unique_ptr<QueryNode> MergeAggregates(const LogicalAggregate &aggregate, const vector<LogicalType> &sent) {
	auto call = [](const char *name, unique_ptr<ParsedExpression> argument) {
		vector<unique_ptr<ParsedExpression>> arguments;
		arguments.push_back(std::move(argument));
		return make_uniq<FunctionExpression>(Identifier(name), std::move(arguments));
	};
	auto select = make_uniq<SelectNode>();
	GroupingSet all_groups;
	for (idx_t i = 0; i < sent.size(); i++) {
		unique_ptr<ParsedExpression> column = make_uniq<ColumnRefExpression>(ColumnName(i));
		if (i < aggregate.groups.size()) {
			select->groups.group_expressions.push_back(column->Copy());
			all_groups.insert(ProjectionIndex(i));
			select->select_list.push_back(std::move(column));
			continue;
		}
		auto &expression = aggregate.expressions[i - aggregate.groups.size()]->Cast<BoundAggregateExpression>();
		if (SendsState(expression)) {
			auto merged = call("finalize", call("combine_aggr", StateOf(sent[i], std::move(column))));
			select->select_list.push_back(make_uniq<CastExpression>(aggregate.types[i], std::move(merged)));
		} else {
			// The sum of counts is a HUGEINT
			auto merged = call(MergeOf(expression), std::move(column));
			select->select_list.push_back(make_uniq<CastExpression>(sent[i], std::move(merged)));
		}
	}
	if (!all_groups.empty()) {
		select->groups.grouping_sets.push_back(std::move(all_groups));
	}
	return std::move(select);
}

} // namespace duckling
