// Verifies constraints as DuckDB does when it appends to a native table.

#include "checked_rows.hpp"

#include "durable_files.hpp"

#include "duckdb/execution/execution_context.hpp"
#include "duckdb/storage/data_table.hpp"
#include "duckdb/storage/table/append_state.hpp"

using namespace duckdb;

namespace duckling {

namespace {

struct LocalCheckedRows : public OperatorState {
	unique_ptr<ConstraintState> constraints;
};

} // namespace

CheckedRows::CheckedRows(PhysicalPlan &plan, vector<LogicalType> types, DuckTableEntry &table_p,
                         vector<unique_ptr<BoundConstraint>> constraints_p, string folder_p, idx_t estimated_cardinality)
    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types), estimated_cardinality), table(table_p),
      constraints(std::move(constraints_p)), folder(std::move(folder_p)) {
}

string CheckedRows::GetName() const {
	return "CHECK_CONSTRAINTS";
}

unique_ptr<GlobalOperatorState> CheckedRows::GetGlobalOperatorState(ClientContext &context) const {
	CreateFolder(context, folder);
	return make_uniq<GlobalOperatorState>();
}

unique_ptr<OperatorState> CheckedRows::GetOperatorState(ExecutionContext &) const {
	auto result = make_uniq<LocalCheckedRows>();
	result->constraints = table.GetStorage().InitializeConstraintState(table, constraints);
	return std::move(result);
}

OperatorResultType CheckedRows::Execute(ExecutionContext &context, DataChunk &input, DataChunk &chunk,
                                        GlobalOperatorState &, OperatorState &state) const {
	auto &local = state.Cast<LocalCheckedRows>();
	table.GetStorage().VerifyAppendConstraints(*local.constraints, context.client, input, nullptr, nullptr);
	chunk.Reference(input);
	return OperatorResultType::NEED_MORE_INPUT;
}

} // namespace duckling
