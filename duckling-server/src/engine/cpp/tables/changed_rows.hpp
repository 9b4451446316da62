// The operator that notes which rows of files go.
#pragma once

#include "duckdb/execution/physical_operator.hpp"

namespace duckling {

//! How many rows a file may have so that each has an id of its own.
constexpr int64_t MAX_ROWS_OF_FILE = int64_t(1) << 40;

//! The rows of a file, by number, that are true.
using RowSet = duckdb::vector<bool>;

struct ChangedRowsState : public duckdb::GlobalOperatorState {
	duckdb::mutex lock;
	//! By the number of the file, from 0
	duckdb::map<duckdb::idx_t, RowSet> rows;
};

//! Takes rows whose last column is a row id. Lets pass their other columns, those of the same row once.
class ChangedRows : public duckdb::PhysicalOperator {
public:
	ChangedRows(duckdb::PhysicalPlan &plan, duckdb::vector<duckdb::LogicalType> types, bool refuse_repetition,
	            duckdb::idx_t estimated_cardinality);

	std::string GetName() const override;
	duckdb::unique_ptr<duckdb::GlobalOperatorState>
	GetGlobalOperatorState(duckdb::ClientContext &context) const override;
	duckdb::OperatorResultType Execute(duckdb::ExecutionContext &context, duckdb::DataChunk &input,
	                                   duckdb::DataChunk &chunk, duckdb::GlobalOperatorState &global,
	                                   duckdb::OperatorState &state) const override;
	bool ParallelOperator() const override {
		return true;
	}

private:
	bool refuse_repetition;
};

} // namespace duckling
