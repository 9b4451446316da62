// Aggregates that tasks evaluate on their own rows, and what makes one value of theirs.
#pragma once

#include "duckdb/parser/query_node.hpp"
#include "duckdb/planner/expression/bound_aggregate_expression.hpp"
#include "duckdb/planner/operator/logical_aggregate.hpp"

namespace duckling {

//! Whether the result depends on the order in which rows arrive.
bool DependsOnOrder(const duckdb::BoundAggregateExpression &aggregate);
//! Whether the results of several tasks can be merged into that of all their rows.
bool IsMergeable(const duckdb::BoundAggregateExpression &aggregate);
//! A SELECT without FROM that merges the results of `aggregate`, columns c0, c1, … of these types, of several tasks.
duckdb::unique_ptr<duckdb::QueryNode> MergeAggregates(const duckdb::LogicalAggregate &aggregate,
                                                      const duckdb::vector<duckdb::LogicalType> &types);

} // namespace duckling
