// Parts of a plan that the driver's own DuckDB computes, for tasks to read.

#include "feeds.hpp"

#include "file_scans.hpp"
#include "partial_aggregates.hpp"

#include "duckdb/function/function_binder.hpp"
#include "duckdb/planner/expression/bound_aggregate_expression.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/operator/logical_cte.hpp"
#include "duckdb/planner/operator/logical_cteref.hpp"
#include "duckdb/planner/operator/logical_comparison_join.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"

using namespace duckdb;

namespace duckling {

namespace {

bool DefinesTable(const LogicalOperator &op) {
	return op.type == LogicalOperatorType::LOGICAL_MATERIALIZED_CTE ||
	       op.type == LogicalOperatorType::LOGICAL_RECURSIVE_CTE;
}

//! `under_delim_join`: the rows of a LOGICAL_DELIM_GET are there
bool StandsAlone(LogicalOperator &op, unordered_set<TableIndex> above, bool under_delim_join) {
	switch (op.type) {
	case LogicalOperatorType::LOGICAL_CTE_REF:
		return above.find(op.Cast<LogicalCTERef>().cte_index) == above.end();
	case LogicalOperatorType::LOGICAL_DELIM_GET:
		return under_delim_join;
	case LogicalOperatorType::LOGICAL_DELIM_JOIN:
		under_delim_join = true;
		break;
	default:
		if (DefinesTable(op)) {
			above.erase(static_cast<LogicalCTE &>(op).table_index);
		}
	}
	for (auto &child : op.children) {
		if (!StandsAlone(*child, above, under_delim_join)) {
			return false;
		}
	}
	return true;
}

//! Where `op` is owned, at or below `place`.
optional_ptr<unique_ptr<LogicalOperator>> PlaceOf(LogicalOperator &op, vector<unique_ptr<LogicalOperator>> &children) {
	for (auto &child : children) {
		if (child.get() == &op) {
			return child;
		}
		if (child) {
			if (auto place = PlaceOf(op, child->children)) {
				return place;
			}
		}
	}
	return nullptr;
}

vector<unique_ptr<Expression>> ColumnsOf(LogicalOperator &op) {
	vector<unique_ptr<Expression>> result;
	auto bindings = op.GetColumnBindings();
	for (idx_t i = 0; i < bindings.size(); i++) {
		result.push_back(make_uniq<BoundColumnRefExpression>(op.types[i], bindings[i]));
	}
	return result;
}

unique_ptr<Expression> HashOf(ClientContext &context, const Feed &feed) {
	vector<unique_ptr<Expression>> arguments;
	for (auto &key : feed.keys) {
		arguments.push_back(key.get().Copy());
	}
	if (arguments.empty()) {
		arguments = ColumnsOf(feed.op);
	}
	return FunctionBinder(context).BindScalarFunction(DEFAULT_SCHEMA, "hash", std::move(arguments));
}

} // namespace

Leaves LeavesOf(LogicalOperator &op) {
	Leaves result;
	switch (op.type) {
	case LogicalOperatorType::LOGICAL_GET: {
		auto &get = op.Cast<LogicalGet>();
		if (IsFileScan(get)) {
			result.files = true;
		} else {
			result.tables = get.GetTable() != nullptr;
			result.driver = true;
		}
		break;
	}
	case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
	case LogicalOperatorType::LOGICAL_CHUNK_GET:
	case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
	case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
	case LogicalOperatorType::LOGICAL_CTE_REF:
		break;
	default:
		result.driver = op.children.empty();
	}
	for (auto &child : op.children) {
		auto below = LeavesOf(*child);
		result.files |= below.files;
		result.tables |= below.tables;
		result.driver |= below.driver;
	}
	return result;
}

bool StandsAlone(LogicalOperator &op, unordered_set<TableIndex> above) {
	return StandsAlone(op, std::move(above), false);
}

idx_t CountReferences(LogicalOperator &op, TableIndex cte) {
	if (op.type == LogicalOperatorType::LOGICAL_CTE_REF) {
		return op.Cast<LogicalCTERef>().cte_index == cte ? 1 : 0;
	}
	idx_t result = 0;
	for (auto &child : op.children) {
		result += CountReferences(*child, cte);
	}
	return result;
}

bool IsRepeatable(LogicalOperator &op) {
	switch (op.type) {
	case LogicalOperatorType::LOGICAL_WINDOW:
	case LogicalOperatorType::LOGICAL_LIMIT:
	case LogicalOperatorType::LOGICAL_TOP_N:
	case LogicalOperatorType::LOGICAL_SAMPLE:
		return false;
	case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
		for (auto &expression : op.expressions) {
			if (!IsExact(expression->Cast<BoundAggregateExpression>())) {
				return false;
			}
		}
		break;
	default:
		break;
	}
	for (auto &child : op.children) {
		if (!IsRepeatable(*child)) {
			return false;
		}
	}
	return true;
}

bool IsCompressed(LogicalOperator &op) {
	auto calls = [&](const char *prefix) {
		bool result = false;
		for (auto &expression : op.expressions) {
			ExpressionIterator::VisitExpression<BoundFunctionExpression>(*expression, [&](const auto &call) {
				auto &name = call.Function().GetName().GetIdentifierName();
				result = result || StringUtil::StartsWith(name, prefix);
			});
		}
		return result;
	};
	if (op.type == LogicalOperatorType::LOGICAL_PROJECTION) {
		if (calls("__internal_compress_")) {
			return true;
		}
		if (calls("__internal_decompress_")) {
			return false;
		}
	}
	for (auto &child : op.children) {
		if (IsCompressed(*child)) {
			return true;
		}
	}
	return false;
}

vector<unique_ptr<LogicalOperator>> TakeFeeds(ClientContext &context, Binder &binder, const DistributedQuery &query,
                                              LogicalOperator &target) {
	// Whatever can fail comes before the plan is taken apart
	vector<unique_ptr<LogicalProjection>> hashes;
	vector<reference<unique_ptr<LogicalOperator>>> places;
	for (auto &feed : query.feeds) {
		auto place = PlaceOf(feed.op, target.children);
		if (!place) {
			throw InternalException("A part of the plan that the driver computes is not in it");
		}
		places.push_back(*place);
		if (!feed.hashed) {
			hashes.push_back(nullptr);
			continue;
		}
		auto columns = ColumnsOf(feed.op);
		columns.push_back(HashOf(context, feed));
		auto projection = make_uniq<LogicalProjection>(binder.GenerateTableIndex(), std::move(columns));
		hashes.push_back(std::move(projection));
	}
	vector<unique_ptr<LogicalOperator>> result;
	for (idx_t i = 0; i < places.size(); i++) {
		auto plan = std::move(places[i].get());
		if (!hashes[i]) {
			result.push_back(std::move(plan));
			continue;
		}
		hashes[i]->SetEstimatedCardinality(query.feeds[i].rows);
		hashes[i]->children.push_back(std::move(plan));
		hashes[i]->ResolveOperatorTypes();
		result.push_back(std::move(hashes[i]));
	}
	return result;
}

} // namespace duckling
