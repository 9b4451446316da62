// LIST_FILES ─ COPY TO parquet ─ … ─ NOTE_CHANGED_ROWS ─ projection ─ rows
//
// The projection makes new rows of the table, and tells which old rows go. LIST_FILES then writes each file that has such rows
// anew without them.

#include "change_plan.hpp"

#include "write_plan.hpp"

#include "duckdb/execution/operator/projection/physical_projection.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"

using namespace duckdb;

namespace duckling {

namespace {

LogicalGet &FindScan(LogicalOperator &op, TableIndex index) {
	if (op.type == LogicalOperatorType::LOGICAL_GET && op.Cast<LogicalGet>().table_index == index) {
		return op.Cast<LogicalGet>();
	}
	for (auto &child : op.children) {
		auto bindings = child->GetColumnBindings();
		auto is_of_scan = [&](const ColumnBinding &binding) { return binding.table_index == index; };
		if (std::any_of(bindings.begin(), bindings.end(), is_of_scan)) {
			return FindScan(*child, index);
		}
	}
	throw InternalException("A statement does not scan the table that it changes");
}

//! Have `update`, which reads `projection`, set all columns: those that it does not name to their own values.
void SetAllColumns(LogicalUpdate &update, LogicalProjection &projection) {
	// DuckDB puts the row id last
	auto row_id = std::move(projection.expressions.back());
	projection.expressions.pop_back();
	auto &scan = FindScan(*projection.children[0], row_id->Cast<BoundColumnRefExpression>().Binding().table_index);
	LogicalUpdate::BindAllColumns(update.table, scan, projection, update);
	projection.expressions.push_back(std::move(row_id));
}

} // namespace

void ReadWholeRows(LogicalUpdate &update) {
	SetAllColumns(update, update.children[0]->Cast<LogicalProjection>());
}

void ReadWholeRows(LogicalMergeInto &merge) {
	auto &projection = merge.children[0]->Cast<LogicalProjection>();
	for (auto &condition : merge.actions) {
		for (auto &action : condition.second) {
			if (action->action_type != MergeActionType::MERGE_UPDATE) {
				continue;
			}
			LogicalUpdate update(merge.table);
			update.columns = std::move(action->columns);
			update.expressions = std::move(action->expressions);
			SetAllColumns(update, projection);
			action->columns = std::move(update.columns);
			action->expressions = std::move(update.expressions);
		}
	}
	merge.row_id_start = projection.expressions.size() - 1;
}

PhysicalOperator &PlanProjection(PhysicalPlanGenerator &planner, vector<unique_ptr<Expression>> expressions,
                                 PhysicalOperator &rows) {
	vector<LogicalType> types;
	for (auto &expression : expressions) {
		types.push_back(expression->GetReturnType());
	}
	auto &result =
	    planner.Make<PhysicalProjection>(std::move(types), std::move(expressions), rows.estimated_cardinality);
	result.children.push_back(rows);
	return result;
}

unique_ptr<Expression> NewValue(ClientContext &context, const Expression &value, const ColumnDefinition &column,
                                const vector<unique_ptr<Expression>> &defaults) {
	auto is_default = value.GetExpressionType() == ExpressionType::VALUE_DEFAULT;
	auto result = is_default ? defaults[column.Physical().index]->Copy() : value.Copy();
	return BoundCastExpression::AddCastToType(context, std::move(result), column.Type());
}

PhysicalOperator &PlanFileDelete(ClientContext &context, PhysicalPlanGenerator &planner, LogicalDelete &op,
                                 PhysicalOperator &rows) {
	auto &row_id = *op.expressions[0];
	vector<unique_ptr<Expression>> changes;
	for (auto &column : op.table.GetColumns().Physical()) {
		if (op.return_chunk) {
			changes.push_back(op.expressions[op.return_columns[column.Physical().index]]->Copy());
		} else {
			changes.push_back(make_uniq<BoundConstantExpression>(Value(column.Type())));
		}
	}
	vector<LogicalType> returned;
	if (op.return_chunk) {
		returned = op.types;
		// As DuckDB does, which returns the row id in the place of all virtual columns
		while (changes.size() < returned.size()) {
			changes.push_back(row_id.Copy());
		}
	}
	changes.push_back(row_id.Copy());
	changes.push_back(make_uniq<BoundConstantExpression>(Value::BOOLEAN(false)));
	auto &input = PlanProjection(planner, std::move(changes), rows);
	return PlanFileChange(context, planner, op.table.Cast<DuckTableEntry>(), {}, std::move(returned), Repetition::SKIP,
	                      op, input);
}

PhysicalOperator &PlanFileUpdate(ClientContext &context, PhysicalPlanGenerator &planner, LogicalUpdate &op,
                                 PhysicalOperator &rows) {
	auto &table = op.table.Cast<DuckTableEntry>();
	if (op.capture_old_rows) {
		throw NotImplementedException("Triggers are not supported for distributed table \"%s\"",
		                              table.name.GetIdentifierName());
	}
	vector<unique_ptr<Expression>> changes(table.GetColumns().PhysicalColumnCount());
	for (idx_t i = 0; i < op.columns.size(); i++) {
		auto &column = table.GetColumns().GetColumn(op.columns[i]);
		changes[op.columns[i].index] = NewValue(context, *op.expressions[i], column, op.bound_defaults);
	}
	changes.push_back(make_uniq<BoundReferenceExpression>(LogicalType::ROW_TYPE, rows.types.size() - 1));
	changes.push_back(make_uniq<BoundConstantExpression>(Value::BOOLEAN(true)));
	auto &input = PlanProjection(planner, std::move(changes), rows);
	return PlanFileChange(context, planner, table, std::move(op.bound_constraints),
	                      op.return_chunk ? op.types : vector<LogicalType>(), Repetition::SKIP, op, input);
}

} // namespace duckling
