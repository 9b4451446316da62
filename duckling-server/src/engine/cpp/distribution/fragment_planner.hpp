// Cuts DuckDB's optimized plan into fragments that several ducklings can run.
#pragma once

#include "distributed_query.hpp"

#include "duckdb/common/unordered_map.hpp"
#include "duckdb/planner/logical_operator.hpp"
#include "duckdb/planner/logical_plan_sql_exporter.hpp"

#include <stdexcept>

namespace duckdb {
class LogicalAggregate;
class LogicalComparisonJoin;
class LogicalGet;
class LogicalMaterializedCTE;
} // namespace duckdb

namespace duckling {

//! Why an operator cannot run on several ducklings with the same result.
struct Undistributable : public std::runtime_error {
	using std::runtime_error::runtime_error;
};

//! Where among the tasks of a fragment its rows are.
struct Distribution {
	enum class Kind : uint8_t {
		//! Every task has all of them, as it computes them from what every task has
		REPLICATED,
		//! There is one task
		SINGLE,
		//! Each row is in one task
		PARTITIONED
	};
	Kind kind = Kind::REPLICATED;
	//! Rows that agree in all columns of one of these lists are in the same task: that of the hash of the columns
	duckdb::vector<duckdb::vector<duckdb::ColumnBinding>> keys;
};

//! Operators of a plan from `root` downwards that run in the same task; what lies below them is replaced.
struct Fragment {
	explicit Fragment(duckdb::LogicalOperator &root_p) : root(root_p) {
	}
	duckdb::reference<duckdb::LogicalOperator> root;
	Distribution distribution;
	duckdb::vector<duckdb::LogicalPlanSQLExportReplacement> replacements;
	duckdb::vector<StageInput> inputs;
	duckdb::vector<StageScan> scans;
};

struct PlannerOptions {
	//! Tasks of a stage whose rows are partitioned
	duckdb::idx_t tasks;
	//! Inputs with no more rows than this may be sent to every task
	duckdb::idx_t broadcast_rows;
	//! Files with no more rows than this may be read by every task
	duckdb::idx_t replicated_rows;
};

class FragmentPlanner {
public:
	FragmentPlanner(duckdb::ClientContext &context, PlannerOptions options);

	//! The query that computes the rows of `op`, wherever they are. Throws `Undistributable`.
	DistributedQuery Plan(duckdb::LogicalOperator &op);
	//! The query that computes candidates for the first `count` rows below `top_n`, at most `count` of each task.
	DistributedQuery PlanCandidates(duckdb::LogicalOperator &top_n);

private:
	using Keys = duckdb::vector<duckdb::reference<const duckdb::Expression>>;
	//! A stage that is planned: its number, and the columns that it returns.
	struct Closed {
		duckdb::idx_t stage;
		duckdb::vector<duckdb::LogicalPlanSQLExportField> fields;
	};

	Fragment PlanFragment(duckdb::LogicalOperator &op);
	Fragment PlanGet(duckdb::LogicalGet &get);
	Fragment PlanRowByRow(duckdb::LogicalOperator &op);
	Fragment PlanJoin(duckdb::LogicalOperator &op);
	Fragment PlanHashJoin(duckdb::LogicalComparisonJoin &join, Fragment left, Fragment right);
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
	//! Make a stage of a fragment; with keys, its rows carry their hash.
	Closed Close(const Fragment &fragment, const Keys &keys, bool hashed);
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

	duckdb::ClientContext &context;
	PlannerOptions options;
	duckdb::vector<Stage> stages;
	duckdb::unordered_map<duckdb::TableIndex, duckdb::reference<duckdb::LogicalMaterializedCTE>> ctes;
	duckdb::idx_t scan_count = 0;
	bool by_row_groups = true;
	std::string merge;
};

} // namespace duckling
