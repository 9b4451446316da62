// Cuts DuckDB's optimized plan into fragments that several ducklings can run.
#pragma once

#include "feeds.hpp"
#include "file_scans.hpp"
#include "plan_fragment.hpp"

#include "duckdb/common/unordered_map.hpp"

namespace duckdb {
class LogicalAggregate;
class LogicalComparisonJoin;
class LogicalGet;
class LogicalMaterializedCTE;
class LogicalTopN;
} // namespace duckdb

namespace duckling {

struct PlannerOptions {
	//! Tasks of a stage whose rows are partitioned
	duckdb::idx_t tasks;
	//! Inputs with no more rows than this may be sent to every task
	duckdb::idx_t broadcast_rows;
	//! Sources with no more rows than this may be read by every task
	duckdb::idx_t replicated_rows;
	//! Files with fewer rows are not worth it
	duckdb::idx_t threshold;
	//! Whatever can be distributed is, be it worth it or not
	bool forced;
};

//! Why an operator runs on the driver.
struct Reason {
	std::string op;
	std::string why;
};

class FragmentPlanner {
public:
	//! `files`: those of the statement.
	FragmentPlanner(duckdb::ClientContext &context, PlannerOptions options, FileScans &files);

	//! The query that computes the rows of `op`, wherever they are. Throws `Undistributable`.
	DistributedQuery Plan(duckdb::LogicalOperator &op);
	//! The query that computes candidates for the first `count` rows below `top_n`, at most `count` of each task.
	DistributedQuery PlanCandidates(duckdb::LogicalOperator &top_n);
	//! The query whose tasks each write their rows of `op`, with columns of these names, by COPY (rows) `target`. Its rows tell of the
	//! files.
	DistributedQuery PlanWrite(duckdb::LogicalOperator &op, const std::vector<std::string> &column_names,
	                           const std::string &target);
	//! Why the driver computes parts of it.
	const duckdb::vector<Reason> &Reasons() const {
		return reasons;
	}

private:
	//! A stage that is planned: its number, and the columns that it returns.
	struct Closed {
		duckdb::idx_t stage;
		duckdb::vector<duckdb::LogicalPlanSQLExportField> fields;
	};

	Fragment PlanFragment(duckdb::LogicalOperator &op);
	//! The same, but whatever cannot run in tasks makes it fail.
	Fragment PlanInTasks(duckdb::LogicalOperator &op);
	//! The rows of `op` as the driver computes them.
	Fragment PlanFeed(duckdb::LogicalOperator &op);
	Fragment PlanGet(duckdb::LogicalGet &get);
	Fragment PlanRowByRow(duckdb::LogicalOperator &op);
	Fragment PlanJoin(duckdb::LogicalOperator &op);
	Fragment PlanHashJoin(duckdb::LogicalComparisonJoin &join, Fragment left, Fragment right);
	//! A join of which the right side goes to all tasks.
	Fragment PlanBroadcastRight(duckdb::LogicalOperator &join, duckdb::JoinType type, Fragment left, Fragment right);
	Fragment PlanAggregate(duckdb::LogicalAggregate &aggregate);
	Fragment PlanDistinct(duckdb::LogicalOperator &op);
	Fragment PlanWindow(duckdb::LogicalOperator &op);
	Fragment PlanTopN(duckdb::LogicalOperator &op);
	Fragment PlanUnion(duckdb::LogicalOperator &op);
	Fragment PlanSetOperation(duckdb::LogicalOperator &op);
	Fragment PlanCTE(duckdb::LogicalMaterializedCTE &cte);
	Fragment PlanCTEReference(duckdb::LogicalOperator &op);

	//! The operators of a fragment as a query.
	duckdb::LogicalPlanSQLExportRelation Export(const Fragment &fragment);
	//! Make a stage of the rows that each task would have among the first ones, those before the offset included.
	Closed CloseCandidates(duckdb::LogicalTopN &top_n, Fragment child);
	//! Make a stage of a fragment; with keys, its rows carry their hash.
	Closed Close(const Fragment &fragment, const Keys &keys, bool hashed);
	//! Make a stage of what the driver computes.
	Closed CloseFeed(duckdb::LogicalOperator &op, const Keys &keys, bool hashed);
	//! A fragment that has read a stage in the place of `op`.
	Fragment Read(duckdb::LogicalOperator &op, const Closed &closed, Exchange exchange);
	//! The same, with `query` made of the stage's rows.
	Fragment Read(duckdb::LogicalOperator &op, const Closed &closed, Exchange exchange,
	              duckdb::unique_ptr<duckdb::QueryNode> query);
	//! Let the rows that agree in `keys` be in the same task.
	Fragment Shuffle(Fragment fragment, const Keys &keys, duckdb::vector<duckdb::ColumnBinding> bindings);
	Fragment ShuffleByAllColumns(Fragment fragment);
	Fragment Broadcast(Fragment fragment);
	Fragment Gather(Fragment fragment);
	//! Let every row be in one task only.
	Fragment Partition(Fragment fragment);
	DistributedQuery Assemble(const Closed &last);

	duckdb::idx_t Rows(duckdb::LogicalOperator &op);
	bool StandsAlone(duckdb::LogicalOperator &op) const;
	//! That the files which tasks read are worth what travels from the driver.
	void CheckWorth(const DistributedQuery &query) const;

	duckdb::ClientContext &context;
	PlannerOptions options;
	FileScans &files;
	duckdb::vector<Stage> stages;
	duckdb::vector<Feed> feeds;
	duckdb::unordered_map<duckdb::TableIndex, duckdb::reference<duckdb::LogicalMaterializedCTE>> ctes;
	duckdb::idx_t scan_count = 0;
	duckdb::vector<Reason> reasons;
	bool by_row_groups = true;
	const char *merge = nullptr;
};

} // namespace duckling
