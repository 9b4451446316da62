// Parts of a plan that one task can run, and where among the tasks their rows are.

#include "plan_fragment.hpp"

#include "duckdb/planner/expression/bound_columnref_expression.hpp"

#include <algorithm>

using namespace duckdb;

namespace duckling {

void Absorb(Fragment &parent, Fragment child) {
	for (auto &replacement : child.replacements) {
		parent.replacements.push_back(std::move(replacement));
	}
	for (auto &input : child.inputs) {
		parent.inputs.push_back(std::move(input));
	}
	for (auto &scan : child.scans) {
		parent.scans.push_back(std::move(scan));
	}
}

Fragment On(LogicalOperator &op, Fragment child) {
	Fragment result(op);
	result.distribution = std::move(child.distribution);
	Absorb(result, std::move(child));
	return result;
}

Fragment On(LogicalOperator &op, Fragment child, Fragment everywhere) {
	auto result = On(op, std::move(child));
	Absorb(result, std::move(everywhere));
	return result;
}

vector<ColumnBinding> BindingsOf(const Keys &keys) {
	vector<ColumnBinding> result;
	for (auto &key : keys) {
		auto is_column = key.get().GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF;
		result.push_back(is_column ? key.get().Cast<BoundColumnRefExpression>().Binding() : ColumnBinding());
	}
	return result;
}

vector<ColumnBinding> ColumnsOf(const Keys &keys) {
	auto result = BindingsOf(keys);
	auto is_none = [](const ColumnBinding &binding) { return binding == ColumnBinding(); };
	return std::any_of(result.begin(), result.end(), is_none) ? vector<ColumnBinding>() : result;
}

vector<idx_t> PartitionedBy(const Distribution &distribution, const vector<ColumnBinding> &columns) {
	for (auto &keys : distribution.keys) {
		vector<idx_t> positions;
		for (auto &key : keys) {
			auto found = std::find(columns.begin(), columns.end(), key);
			if (found == columns.end()) {
				break;
			}
			positions.push_back(idx_t(found - columns.begin()));
		}
		if (positions.size() == keys.size()) {
			return positions;
		}
	}
	return {};
}

Distribution Renamed(const Distribution &distribution,
                     const std::function<optional<ColumnBinding>(const ColumnBinding &)> &rename) {
	Distribution result;
	result.kind = distribution.kind;
	result.buckets = distribution.buckets;
	for (auto &keys : distribution.keys) {
		vector<ColumnBinding> renamed;
		for (auto &key : keys) {
			if (auto name = rename(key)) {
				renamed.push_back(*name);
			}
		}
		if (renamed.size() == keys.size()) {
			result.keys.push_back(std::move(renamed));
		}
	}
	return result;
}

} // namespace duckling
