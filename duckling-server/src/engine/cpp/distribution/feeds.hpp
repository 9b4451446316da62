// Parts of a plan that the driver's own DuckDB computes, for tasks to read.
#pragma once

#include "distributed_query.hpp"

#include "duckdb/common/unordered_set.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/logical_operator.hpp"

namespace duckling {

//! What the leaves of a part of a plan are.
struct Leaves {
	//! Files that tasks could divide,
	bool files = false;
	//! the driver's own tables,
	bool tables = false;
	//! or whatever else only the driver can read
	bool driver = false;
};

Leaves LeavesOf(duckdb::LogicalOperator &op);

//! Whether `op` can be computed apart from the operators above it, which define the common table expressions `above`.
bool StandsAlone(duckdb::LogicalOperator &op, duckdb::unordered_set<duckdb::TableIndex> above);

//! How often the rows of a common table expression are read in `op`.
duckdb::idx_t CountReferences(duckdb::LogicalOperator &op, duckdb::TableIndex cte);

//! Whether `op` returns the very same rows each time; sums of floating-point numbers depend on the order of rows, and so
//! does what is first among equals.
bool IsRepeatable(duckdb::LogicalOperator &op);

//! Whether columns of `op` may be in the compressed form that DuckDB's optimizer gives them for a while, below an operator
//! that restores them. Fragments, written as SQL, know nothing of it.
bool IsCompressed(duckdb::LogicalOperator &op);

//! Move the feeds of `query` out of the plan below `target`, each as a plan with the columns of its stage.
duckdb::vector<duckdb::unique_ptr<duckdb::LogicalOperator>> TakeFeeds(duckdb::ClientContext &context,
                                                                      duckdb::Binder &binder,
                                                                      const DistributedQuery &query,
                                                                      duckdb::LogicalOperator &target);

} // namespace duckling
