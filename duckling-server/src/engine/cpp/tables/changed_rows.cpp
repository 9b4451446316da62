// Notes rows in one bit each.

#include "changed_rows.hpp"

#include "duckdb/common/vector/unified_vector_format.hpp"
#include "duckdb/execution/execution_context.hpp"

using namespace duckdb;

namespace duckling {

ChangedRows::ChangedRows(PhysicalPlan &plan, vector<LogicalType> types, bool refuse_repetition_p,
                         idx_t estimated_cardinality)
    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types), estimated_cardinality),
      refuse_repetition(refuse_repetition_p) {
}

string ChangedRows::GetName() const {
	return "NOTE_CHANGED_ROWS";
}

unique_ptr<GlobalOperatorState> ChangedRows::GetGlobalOperatorState(ClientContext &) const {
	return make_uniq<ChangedRowsState>();
}

OperatorResultType ChangedRows::Execute(ExecutionContext &, DataChunk &input, DataChunk &chunk,
                                        GlobalOperatorState &global, OperatorState &) const {
	auto &changed = global.Cast<ChangedRowsState>();
	auto count = input.size();
	SelectionVector first(count);
	idx_t first_count = 0;
	UnifiedVectorFormat ids;
	input.data.back().ToUnifiedFormat(ids);
	auto values = UnifiedVectorFormat::GetData<int64_t>(ids);
	{
		lock_guard<mutex> guard(changed.lock);
		for (idx_t i = 0; i < count; i++) {
			auto id = values[ids.sel->get_index(i)];
			auto &rows = changed.rows[NumericCast<idx_t>(id / MAX_ROWS_OF_FILE - 1)];
			auto row = NumericCast<idx_t>(id % MAX_ROWS_OF_FILE);
			if (rows.size() <= row) {
				rows.resize(row + 1);
			}
			if (!rows[row]) {
				rows[row] = true;
				first.set_index(first_count++, i);
			} else if (refuse_repetition) {
				throw InvalidInputException("UPDATE command cannot update the same row more than once");
			}
		}
	}
	for (idx_t column = 0; column < chunk.ColumnCount(); column++) {
		chunk.data[column].Reference(input.data[column]);
	}
	chunk.SetCardinality(count);
	if (first_count != count) {
		chunk.Slice(first, first_count);
	}
	return OperatorResultType::NEED_MORE_INPUT;
}

} // namespace duckling
