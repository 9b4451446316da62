// Aggregates that tasks evaluate on their own rows, and what makes one value of theirs.

#include "partial_aggregates.hpp"

#include "fragment_sql.hpp"

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

} // namespace

bool DependsOnOrder(const BoundAggregateExpression &aggregate) {
	if (aggregate.GetOrderBys()) {
		return true;
	}
	return !MergeOf(aggregate) && aggregate.Function().GetOrderDependent() != AggregateOrderDependent::NOT_ORDER_DEPENDENT;
}

bool IsMergeable(const BoundAggregateExpression &aggregate) {
	// min(x, n) and the like have lists
	return MergeOf(aggregate) && !aggregate.IsDistinct() && aggregate.GetChildren().size() <= 1;
}

unique_ptr<QueryNode> MergeAggregates(const LogicalAggregate &aggregate, const vector<LogicalType> &types) {
	auto select = make_uniq<SelectNode>();
	GroupingSet all_groups;
	for (idx_t i = 0; i < types.size(); i++) {
		auto column = make_uniq<ColumnRefExpression>(ColumnName(i));
		if (i < aggregate.groups.size()) {
			select->groups.group_expressions.push_back(column->Copy());
			all_groups.insert(ProjectionIndex(i));
			select->select_list.push_back(std::move(column));
			continue;
		}
		auto &expression = aggregate.expressions[i - aggregate.groups.size()]->Cast<BoundAggregateExpression>();
		vector<unique_ptr<ParsedExpression>> arguments;
		arguments.push_back(std::move(column));
		auto merged = make_uniq<FunctionExpression>(Identifier(MergeOf(expression)), std::move(arguments));
		// The sum of counts is a HUGEINT
		select->select_list.push_back(make_uniq<CastExpression>(types[i], std::move(merged)));
	}
	if (!all_groups.empty()) {
		select->groups.grouping_sets.push_back(std::move(all_groups));
	}
	return std::move(select);
}

} // namespace duckling
