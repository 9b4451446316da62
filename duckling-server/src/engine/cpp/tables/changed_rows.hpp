// The operator that notes what a statement does to rows of files.
#pragma once

#include "duckdb/common/types/column/column_data_collection.hpp"
#include "duckdb/execution/physical_operator.hpp"

namespace duckling {

//! How many rows a file may have so that each has an id of its own.
constexpr int64_t MAX_ROWS_OF_FILE = int64_t(1) << 40;

//! The rows of a file, by number, that are true.
using RowSet = duckdb::vector<bool>;

//! What to do when a statement comes upon a row twice.
enum class Repetition { SKIP, MERGE_ERROR };

struct ChangedRowsState : public duckdb::GlobalOperatorState {
	duckdb::mutex lock;
	//! Rows that go, by the number of the file, from 0
	duckdb::map<duckdb::idx_t, RowSet> going;
	//! Rows that were deleted, updated or inserted
	duckdb::idx_t row_count = 0;
	//! For RETURNING
	duckdb::unique_ptr<duckdb::ColumnDataCollection> kept;
};

//! Takes rows of: columns of the table, further columns to return, then `CHANGE_COLUMNS`. Lets pass the columns of the table of
//! those that are to be written.
class ChangedRows : public duckdb::PhysicalOperator {
public:
	//! BIGINT: id of the row that goes, or NULL; BOOLEAN: whether the row is to be written.
	static constexpr duckdb::idx_t CHANGE_COLUMNS = 2;

	//! `returned`: types of what RETURNING can name; empty if there is none.
	ChangedRows(duckdb::PhysicalPlan &plan, duckdb::vector<duckdb::LogicalType> types,
	            duckdb::vector<duckdb::LogicalType> returned, Repetition repetition, duckdb::idx_t estimated_cardinality);

	std::string GetName() const override;
	duckdb::unique_ptr<duckdb::GlobalOperatorState>
	GetGlobalOperatorState(duckdb::ClientContext &context) const override;
	duckdb::OperatorResultType Execute(duckdb::ExecutionContext &context, duckdb::DataChunk &input,
	                                   duckdb::DataChunk &chunk, duckdb::GlobalOperatorState &global,
	                                   duckdb::OperatorState &state) const override;
	//! Rows are returned in the order in which they came.
	bool ParallelOperator() const override {
		return returned.empty();
	}

private:
	//! Note the row that goes; false if it went before.
	bool Note(ChangedRowsState &changed, int64_t row_id) const;

	duckdb::vector<duckdb::LogicalType> returned;
	Repetition repetition;
};

} // namespace duckling
