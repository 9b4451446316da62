// Notes rows that go in one bit each.

#include "changed_rows.hpp"

#include "duckdb/common/vector/unified_vector_format.hpp"
#include "duckdb/execution/execution_context.hpp"

using namespace duckdb;

namespace duckling {

ChangedRows::ChangedRows(PhysicalPlan &plan, vector<LogicalType> types, vector<LogicalType> returned_p,
                         Repetition repetition_p, idx_t estimated_cardinality)
    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types), estimated_cardinality),
      returned(std::move(returned_p)), repetition(repetition_p) {
}

string ChangedRows::GetName() const {
	return "NOTE_CHANGED_ROWS";
}

unique_ptr<GlobalOperatorState> ChangedRows::GetGlobalOperatorState(ClientContext &context) const {
	auto result = make_uniq<ChangedRowsState>();
	if (!returned.empty()) {
		result->kept = make_uniq<ColumnDataCollection>(context, returned);
	}
	return std::move(result);
}

bool ChangedRows::Note(ChangedRowsState &changed, int64_t row_id) const {
	auto &rows = changed.going[NumericCast<idx_t>(row_id / MAX_ROWS_OF_FILE - 1)];
	auto row = NumericCast<idx_t>(row_id % MAX_ROWS_OF_FILE);
	if (rows.size() <= row) {
		rows.resize(row + 1);
	}
	if (!rows[row]) {
		rows[row] = true;
		return true;
	}
	if (repetition == Repetition::MERGE_ERROR) {
		throw InvalidInputException(
		    "MERGE INTO command cannot affect the same target row more than once. A target row matched more "
		    "than one source row; ensure the source rows are deduplicated or the ON condition is unique.");
	}
	return false;
}

OperatorResultType ChangedRows::Execute(ExecutionContext &, DataChunk &input, DataChunk &chunk,
                                        GlobalOperatorState &global, OperatorState &) const {
	auto &changed = global.Cast<ChangedRowsState>();
	auto count = input.size();
	auto first_change = input.ColumnCount() - CHANGE_COLUMNS;
	UnifiedVectorFormat ids, writes;
	input.data[first_change].ToUnifiedFormat(ids);
	input.data[first_change + 1].ToUnifiedFormat(writes);
	auto id_values = UnifiedVectorFormat::GetData<int64_t>(ids);
	auto write_values = UnifiedVectorFormat::GetData<bool>(writes);
	SelectionVector affected(count), written(count);
	idx_t affected_count = 0, written_count = 0;
	lock_guard<mutex> guard(changed.lock);
	for (idx_t i = 0; i < count; i++) {
		auto id = ids.sel->get_index(i);
		auto is_written = write_values[writes.sel->get_index(i)];
		auto goes = ids.validity.RowIsValid(id);
		if (goes ? !Note(changed, id_values[id]) : !is_written) {
			continue;
		}
		affected.set_index(affected_count++, i);
		if (is_written) {
			written.set_index(written_count++, i);
		}
	}
	changed.row_count += affected_count;
	if (changed.kept && affected_count > 0) {
		DataChunk kept;
		kept.InitializeEmpty(returned);
		for (idx_t column = 0; column < returned.size(); column++) {
			kept.data[column].Slice(input.data[column], affected, affected_count);
		}
		kept.SetChildCardinality(affected_count);
		changed.kept->Append(kept);
	}
	for (idx_t column = 0; column < chunk.ColumnCount(); column++) {
		chunk.data[column].Slice(input.data[column], written, written_count);
	}
	chunk.SetChildCardinality(written_count);
	return OperatorResultType::NEED_MORE_INPUT;
}

} // namespace duckling
