// Parts of a plan that one task can run, and where among the tasks their rows are.
#pragma once

#include "distributed_query.hpp"

#include "duckdb/common/optional.hpp"
#include "duckdb/common/optional_idx.hpp"
#include "duckdb/planner/expression.hpp"
#include "duckdb/planner/logical_operator.hpp"
#include "duckdb/planner/logical_plan_sql_exporter.hpp"

#include <functional>
#include <stdexcept>

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
	//! Rows that agree in all columns of one of these lists are in the same task: that of the hash of the columns, or of the bucket of
	//! the column
	duckdb::vector<duckdb::vector<duckdb::ColumnBinding>> keys;
	//! How many buckets there are, if it goes by buckets
	duckdb::optional_idx buckets;
};

//! Operators of a plan from `root` downwards that run in the same task; what lies below them is replaced.
struct Fragment {
	explicit Fragment(duckdb::LogicalOperator &root_p) : root(root_p) {
	}
	duckdb::reference<duckdb::LogicalOperator> root;
	Distribution distribution;
	//! Set as long as it is nothing but the rows of this operator, which the driver computes
	duckdb::optional_ptr<duckdb::LogicalOperator> feed;
	duckdb::vector<duckdb::LogicalPlanSQLExportReplacement> replacements;
	duckdb::vector<StageInput> inputs;
	duckdb::vector<StageScan> scans;
};

//! The operators of `child` become part of `parent`.
void Absorb(Fragment &parent, Fragment child);
//! `op` on top of a fragment whose rows stay where they are.
Fragment On(duckdb::LogicalOperator &op, Fragment child);
//! The same, where every task also has all rows of `everywhere`.
Fragment On(duckdb::LogicalOperator &op, Fragment child, Fragment everywhere);

//! The columns that `keys` are; one that is something else is no column of anything.
duckdb::vector<duckdb::ColumnBinding> BindingsOf(const Keys &keys);
//! The columns that `keys` are; empty if one is something else.
duckdb::vector<duckdb::ColumnBinding> ColumnsOf(const Keys &keys);
//! The positions in `columns` of one of the lists of columns that `distribution` goes by; empty if it goes by others.
duckdb::vector<duckdb::idx_t> PartitionedBy(const Distribution &distribution,
                                            const duckdb::vector<duckdb::ColumnBinding> &columns);
//! Rename the columns that a distribution goes by; lists of which one has no new name are dropped.
Distribution Renamed(
    const Distribution &distribution,
    const std::function<duckdb::optional<duckdb::ColumnBinding>(const duckdb::ColumnBinding &)> &rename);

template <class T>
duckdb::vector<T> Picked(const duckdb::vector<T> &items, const duckdb::vector<duckdb::idx_t> &positions) {
	duckdb::vector<T> result;
	for (auto position : positions) {
		result.push_back(items[position]);
	}
	return result;
}

} // namespace duckling
