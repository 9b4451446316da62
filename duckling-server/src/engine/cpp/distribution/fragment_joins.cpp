// Joins whose sides are spread over tasks.

#include "fragment_planner.hpp"

#include "duckdb/planner/operator/logical_any_join.hpp"
#include "duckdb/planner/operator/logical_comparison_join.hpp"

using namespace duckdb;

namespace duckling {

namespace {

using Kind = Distribution::Kind;

//! Whether each row of the left side may meet a copy of the whole right side.
bool MayBroadcastRight(JoinType type) {
	switch (type) {
	case JoinType::INNER:
	case JoinType::LEFT:
	case JoinType::SEMI:
	case JoinType::ANTI:
	case JoinType::MARK:
	case JoinType::SINGLE:
		return true;
	default:
		return false;
	}
}

bool MayBroadcastLeft(JoinType type) {
	switch (type) {
	case JoinType::INNER:
	case JoinType::RIGHT:
	case JoinType::RIGHT_SEMI:
	case JoinType::RIGHT_ANTI:
		return true;
	default:
		return false;
	}
}

} // namespace

Fragment FragmentPlanner::PlanJoin(LogicalOperator &op) {
	auto left = PlanFragment(*op.children[0]);
	auto right = PlanFragment(*op.children[1]);
	auto type = op.type == LogicalOperatorType::LOGICAL_CROSS_PRODUCT ? JoinType::INNER
	                                                                  : op.Cast<LogicalJoin>().join_type;
	auto left_kind = left.distribution.kind, right_kind = right.distribution.kind;
	if (left_kind != Kind::PARTITIONED && right_kind != Kind::PARTITIONED) {
		auto result = On(op, std::move(left), std::move(right));
		result.distribution = Distribution();
		result.distribution.kind = left_kind == right_kind ? left_kind : Kind::SINGLE;
		return result;
	}
	if (right_kind == Kind::REPLICATED && MayBroadcastRight(type)) {
		return On(op, std::move(left), std::move(right));
	}
	if (left_kind == Kind::REPLICATED && MayBroadcastLeft(type)) {
		return On(op, std::move(right), std::move(left));
	}
	if (op.type == LogicalOperatorType::LOGICAL_COMPARISON_JOIN) {
		return PlanHashJoin(op.Cast<LogicalComparisonJoin>(), std::move(left), std::move(right));
	}
	// Without equal keys, one side goes everywhere: the smaller one, if it may
	auto smaller_left = Rows(*op.children[0]) < Rows(*op.children[1]);
	if (MayBroadcastLeft(type) && (smaller_left || !MayBroadcastRight(type))) {
		return On(op, Partition(std::move(right)), Broadcast(std::move(left)));
	}
	return PlanBroadcastRight(op, type, std::move(left), std::move(right));
}

Fragment FragmentPlanner::PlanBroadcastRight(LogicalOperator &join, JoinType type, Fragment left, Fragment right) {
	if (!MayBroadcastRight(type)) {
		throw Undistributable("neither side of a join without equal keys can be sent everywhere");
	}
	return On(join, Partition(std::move(left)), Broadcast(std::move(right)));
}

Fragment FragmentPlanner::PlanHashJoin(LogicalComparisonJoin &join, Fragment left, Fragment right) {
	Keys left_keys, right_keys;
	for (auto &condition : join.conditions) {
		if (!condition.IsComparison()) {
			continue;
		}
		auto comparison = condition.GetComparisonType();
		if (comparison == ExpressionType::COMPARE_EQUAL || comparison == ExpressionType::COMPARE_NOT_DISTINCT_FROM) {
			left_keys.push_back(condition.GetLHS());
			right_keys.push_back(condition.GetRHS());
		}
	}
	auto type = join.join_type;
	// MARK (NOT IN) has to know of all rows of the right side, not only of those with the key of a row
	auto may_shuffle = !left_keys.empty() && type != JoinType::MARK;
	auto left_fits = PartitionedBy(left.distribution, BindingsOf(left_keys));
	auto right_fits = PartitionedBy(right.distribution, BindingsOf(right_keys));
	auto in_place = !left_fits.empty() && left_fits == right_fits &&
	                left.distribution.buckets == right.distribution.buckets;
	if (!in_place) {
		// What is shuffled goes by hash, and never meets buckets
		left_fits = left.distribution.buckets.IsValid() ? vector<idx_t>() : std::move(left_fits);
		right_fits = right.distribution.buckets.IsValid() ? vector<idx_t>() : std::move(right_fits);
	}
	auto left_rows = Rows(*join.children[0]), right_rows = Rows(*join.children[1]);
	auto shuffled_rows = (left_fits.empty() ? left_rows : 0) + (right_fits.empty() ? right_rows : 0);
	auto pays = [&](idx_t rows) {
		return !may_shuffle || (rows <= options.broadcast_rows && rows * options.tasks <= shuffled_rows);
	};
	auto right_partitioned = right.distribution.kind == Kind::PARTITIONED;
	auto left_partitioned = left.distribution.kind == Kind::PARTITIONED;
	if (left_partitioned && MayBroadcastRight(type) && pays(right_rows)) {
		return On(join, std::move(left), Broadcast(std::move(right)));
	}
	if (right_partitioned && MayBroadcastLeft(type) && pays(left_rows)) {
		return On(join, std::move(right), Broadcast(std::move(left)));
	}
	if (!may_shuffle) {
		return PlanBroadcastRight(join, type, std::move(left), std::move(right));
	}
	if (in_place) {
		left_keys = Picked(left_keys, left_fits);
		right_keys = Picked(right_keys, left_fits);
	} else if (!left_fits.empty() && (right_fits.empty() || left_rows >= right_rows)) {
		left_keys = Picked(left_keys, left_fits);
		right_keys = Picked(right_keys, left_fits);
		right = Shuffle(std::move(right), right_keys, ColumnsOf(right_keys));
	} else if (!right_fits.empty()) {
		left_keys = Picked(left_keys, right_fits);
		right_keys = Picked(right_keys, right_fits);
		left = Shuffle(std::move(left), left_keys, ColumnsOf(left_keys));
	} else {
		left = Shuffle(std::move(left), left_keys, ColumnsOf(left_keys));
		right = Shuffle(std::move(right), right_keys, ColumnsOf(right_keys));
	}
	auto result = On(join, std::move(left), std::move(right));
	result.distribution.keys.clear();
	auto keep = [&](const Keys &keys) {
		auto columns = ColumnsOf(keys);
		if (!columns.empty()) {
			result.distribution.keys.push_back(std::move(columns));
		}
	};
	if (type == JoinType::INNER || type == JoinType::LEFT || type == JoinType::SEMI || type == JoinType::ANTI ||
	    type == JoinType::SINGLE) {
		keep(left_keys);
	}
	if (MayBroadcastLeft(type)) {
		keep(right_keys);
	}
	return result;
}

} // namespace duckling
