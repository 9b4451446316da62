// DELETE:  LIST_FILES ─ NOTE_CHANGED_ROWS ─ projection: what RETURNING wants, row id ─ rows
// UPDATE:  LIST_FILES ─ COPY TO parquet ─ … ─ NOTE_CHANGED_ROWS ─ projection: the new rows, row id ─ rows
//
// LIST_FILES then writes each file that has such rows anew without them.

#include "change_plan.hpp"

#include "changed_rows.hpp"
#include "distributed_table.hpp"
#include "record_files.hpp"
#include "write_plan.hpp"

#include "duckdb/execution/operator/projection/physical_projection.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"

using namespace duckdb;

namespace duckling {

namespace {

optional_ptr<LogicalGet> FindScan(LogicalOperator &op, TableIndex index) {
	if (op.type == LogicalOperatorType::LOGICAL_GET && op.Cast<LogicalGet>().table_index == index) {
		return op.Cast<LogicalGet>();
	}
	for (auto &child : op.children) {
		auto found = FindScan(*child, index);
		if (found) {
			return found;
		}
	}
	return nullptr;
}

//! Evaluate `expressions`, the last of which is the row id, and note the row ids.
ChangedRows &PlanChangedRows(PhysicalPlanGenerator &planner, vector<unique_ptr<Expression>> expressions,
                             bool refuse_repetition, PhysicalOperator &rows) {
	vector<LogicalType> types;
	for (auto &expression : expressions) {
		types.push_back(expression->GetReturnType());
	}
	vector<LogicalType> passed(types.begin(), types.end() - 1);
	auto cardinality = rows.estimated_cardinality;
	auto &projection = planner.Make<PhysicalProjection>(std::move(types), std::move(expressions), cardinality);
	projection.children.push_back(rows);
	auto &changed = planner.Make<ChangedRows>(std::move(passed), refuse_repetition, cardinality);
	changed.children.push_back(projection);
	return changed.Cast<ChangedRows>();
}

} // namespace

void ReadWholeRows(LogicalUpdate &update) {
	auto &projection = update.children[0]->Cast<LogicalProjection>();
	// DuckDB puts the row id last
	auto row_id = std::move(projection.expressions.back());
	projection.expressions.pop_back();
	auto scan = FindScan(projection, row_id->Cast<BoundColumnRefExpression>().Binding().table_index);
	if (!scan) {
		throw InternalException("An UPDATE does not scan its table");
	}
	LogicalUpdate::BindAllColumns(update.table, *scan, projection, update, false);
	projection.expressions.push_back(std::move(row_id));
}

PhysicalOperator &PlanFileDelete(ClientContext &context, PhysicalPlanGenerator &planner, LogicalDelete &op,
                                 PhysicalOperator &rows) {
	auto &table = op.table.Cast<DuckTableEntry>();
	vector<unique_ptr<Expression>> expressions;
	if (op.return_chunk) {
		for (auto &column : table.GetColumns().Physical()) {
			auto &read = *op.expressions[op.return_columns[column.Physical().index]];
			expressions.push_back(read.Copy());
		}
		if (op.types.size() != expressions.size()) {
			throw NotImplementedException("RETURNING rowid is not supported for distributed table \"%s\"",
			                              table.name.GetIdentifierName());
		}
	} else {
		expressions.push_back(op.expressions[0]->Copy());
	}
	expressions.push_back(op.expressions[0]->Copy());
	auto &changed = PlanChangedRows(planner, std::move(expressions), false, rows);
	auto &result = planner.Make<RecordFiles>(op.types, table.ParentCatalog(), TableId(table), nullptr,
	                                         op.estimated_cardinality);
	auto &record = result.Cast<RecordFiles>();
	record.changed = &changed;
	record.changed_files = ListFiles(context, table);
	record.returns_input = op.return_chunk;
	record.takes_rows = true;
	result.children.push_back(changed);
	return result;
}

PhysicalOperator &PlanFileUpdate(ClientContext &context, PhysicalPlanGenerator &planner, LogicalUpdate &op,
                                 PhysicalOperator &rows) {
	auto &table = op.table.Cast<DuckTableEntry>();
	if (op.capture_old_rows) {
		throw NotImplementedException("Triggers are not supported for distributed table \"%s\"",
		                              table.name.GetIdentifierName());
	}
	vector<unique_ptr<Expression>> expressions(table.GetColumns().PhysicalColumnCount());
	for (idx_t i = 0; i < op.columns.size(); i++) {
		auto column = op.columns[i].index;
		auto is_default = op.expressions[i]->GetExpressionType() == ExpressionType::VALUE_DEFAULT;
		expressions[column] = is_default ? op.bound_defaults[column]->Copy() : op.expressions[i]->Copy();
	}
	expressions.push_back(make_uniq<BoundReferenceExpression>(LogicalType::ROW_TYPE, rows.types.size() - 1));
	auto refuse_repetition = op.row_id_handling == RowIdHandling::ERROR;
	auto &changed = PlanChangedRows(planner, std::move(expressions), refuse_repetition, rows);
	auto &result = PlanFileAppend(context, planner, table, std::move(op.bound_constraints), op.return_chunk, op.types,
	                              op.estimated_cardinality, changed);
	result.changed = &changed;
	result.changed_files = ListFiles(context, table);
	return result;
}

} // namespace duckling
