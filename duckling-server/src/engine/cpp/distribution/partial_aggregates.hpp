// Aggregates that tasks evaluate on their own rows, and what makes one value of theirs.
#pragma once

#include "duckdb/parser/query_node.hpp"
#include "duckdb/planner/expression/bound_aggregate_expression.hpp"
#include "duckdb/planner/operator/logical_aggregate.hpp"

namespace duckling {

//! Whether the result depends on the order in which rows arrive.
bool DependsOnOrder(const duckdb::BoundAggregateExpression &aggregate);
//! Whether the result is the same in whatever order rows arrive; else it may differ in the last digit.
bool IsExact(const duckdb::BoundAggregateExpression &aggregate);
//! Whether the results of several tasks can be merged into that of all their rows.
bool IsMergeable(const duckdb::BoundAggregateExpression &aggregate);
//! For as long as it lives, `aggregate` returns what tasks send: states, where results cannot be merged.
class PartialAggregate {
public:
	explicit PartialAggregate(duckdb::LogicalAggregate &aggregate);
	~PartialAggregate();

private:
	void Exchange();

	duckdb::LogicalAggregate &aggregate;
	duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> others;
	duckdb::vector<duckdb::LogicalType> other_types;
};

//! A SELECT without FROM that merges what several tasks have sent of `aggregate`: columns c0, c1, … of these types.
duckdb::unique_ptr<duckdb::QueryNode> MergeAggregates(const duckdb::LogicalAggregate &aggregate,
                                                      const duckdb::vector<duckdb::LogicalType> &sent);

} // namespace duckling
