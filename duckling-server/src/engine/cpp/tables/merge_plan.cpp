// MERGE as one stream of changes: a first projection adds the number of the action that is taken for each row, a second one makes
// what the action makes of it.

#include "change_plan.hpp"
#include "write_plan.hpp"

#include "duckdb/function/function_binder.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/parser/query_node/merge_query_node.hpp"
#include "duckdb/planner/expression/bound_case_expression.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_comparison_expression.hpp"
#include "duckdb/planner/expression/bound_conjunction_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_operator_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *ERROR_FUNCTION = "duckherder_merge_error";

void ThrowMergeError(DataChunk &arguments, ExpressionState &, Vector &) {
	throw ConstraintException("%s", StringValue::Get(arguments.data[0].GetValue(0)));
}

unique_ptr<Expression> Constant(Value value) {
	return make_uniq<BoundConstantExpression>(std::move(value));
}

struct Action {
	MergeActionCondition when;
	BoundMergeIntoAction &action;
};

class MergeChanges {
public:
	MergeChanges(ClientContext &context_p, LogicalMergeInto &op_p, const vector<LogicalType> &row_types_p)
	    : context(context_p), op(op_p), row_types(row_types_p) {
		for (auto &entry : op.actions) {
			for (auto &action : entry.second) {
				actions.push_back({entry.first, *action});
			}
		}
	}

	//! The columns of the rows, and the number of the action, or NULL.
	vector<unique_ptr<Expression>> WithActions() const {
		vector<unique_ptr<Expression>> result;
		for (idx_t column = 0; column < row_types.size(); column++) {
			result.push_back(Column(column));
		}
		auto choice = make_uniq<BoundCaseExpression>(LogicalType::INTEGER);
		for (idx_t i = 0; i < actions.size(); i++) {
			choice->CaseChecksMutable().push_back({Condition(actions[i]), Number(i)});
		}
		choice->ElseMutable() = Constant(Value(LogicalType::INTEGER));
		result.push_back(std::move(choice));
		return result;
	}

	//! What `ChangedRows` takes.
	vector<unique_ptr<Expression>> Changes() const {
		vector<unique_ptr<Expression>> result;
		for (auto &column : op.table.GetColumns().Physical()) {
			result.push_back(ByAction(column.Type(), [&](const Action &action) { return ColumnValue(action, column); }));
		}
		if (op.return_chunk) {
			result.push_back(ByAction(LogicalType::VARCHAR, [&](const Action &action) { return Name(action); }));
		}
		result.push_back(ByAction(LogicalType::ROW_TYPE, [&](const Action &action) {
			auto is_going = action.action.action_type == MergeActionType::MERGE_UPDATE ||
			                action.action.action_type == MergeActionType::MERGE_DELETE;
			return is_going ? Column(op.row_id_start) : nullptr;
		}));
		auto is_written = ByAction(LogicalType::BOOLEAN, [&](const Action &action) {
			auto is_new = action.action.action_type == MergeActionType::MERGE_UPDATE ||
			              action.action.action_type == MergeActionType::MERGE_INSERT;
			return is_new ? Constant(Value::BOOLEAN(true)) : nullptr;
		});
		is_written->ElseMutable() = Constant(Value::BOOLEAN(false));
		result.push_back(std::move(is_written));
		return result;
	}

private:
	unique_ptr<Expression> Column(idx_t column) const {
		return make_uniq<BoundReferenceExpression>(row_types[column], column);
	}

	unique_ptr<Expression> NullTest(idx_t column, bool is_null) const {
		auto result = make_uniq<BoundOperatorExpression>(
		    is_null ? ExpressionType::OPERATOR_IS_NULL : ExpressionType::OPERATOR_IS_NOT_NULL, LogicalType::BOOLEAN);
		result->GetChildrenMutable().push_back(Column(column));
		return std::move(result);
	}

	//! Whether rows are of the kind that `when` names.
	vector<unique_ptr<Expression>> KindTests(MergeActionCondition when) const {
		vector<unique_ptr<Expression>> result;
		auto has_marker = op.source_marker.IsValid();
		switch (when) {
		case MergeActionCondition::WHEN_NOT_MATCHED_BY_SOURCE:
			result.push_back(NullTest(op.source_marker.GetIndex(), true));
			break;
		case MergeActionCondition::WHEN_NOT_MATCHED_BY_TARGET:
			result.push_back(NullTest(op.row_id_start, true));
			break;
		case MergeActionCondition::WHEN_MATCHED:
			result.push_back(NullTest(op.row_id_start, false));
			if (has_marker) {
				result.push_back(NullTest(op.source_marker.GetIndex(), false));
			}
			break;
		default:
			throw InternalException("Unknown condition of MERGE");
		}
		return result;
	}

	//! Whether an action is taken, if none before it was.
	unique_ptr<Expression> Condition(const Action &action) const {
		auto tests = KindTests(action.when);
		auto kind = BoundConjunctionExpression::Create(ExpressionType::CONJUNCTION_AND, std::move(tests));
		if (!action.action.condition) {
			return kind;
		}
		// A condition may fail for rows of another kind
		return make_uniq<BoundCaseExpression>(std::move(kind), action.action.condition->Copy(),
		                                      Constant(Value::BOOLEAN(false)));
	}

	unique_ptr<Expression> Number(idx_t index) const {
		auto &action = actions[index];
		if (action.action.action_type != MergeActionType::MERGE_ERROR) {
			return Constant(Value::INTEGER(NumericCast<int32_t>(index)));
		}
		auto text = "Merge error condition " + MergeQueryNode::ActionConditionToString(action.when);
		if (action.action.condition) {
			text += " AND " + action.action.condition->ToString();
		}
		vector<unique_ptr<Expression>> parts;
		parts.push_back(Constant(Value(text)));
		for (auto &message : action.action.expressions) {
			auto detail = make_uniq<BoundOperatorExpression>(ExpressionType::OPERATOR_COALESCE, LogicalType::VARCHAR);
			detail->GetChildrenMutable().push_back(
			    BoundCastExpression::AddCastToType(context, message->Copy(), LogicalType::VARCHAR));
			detail->GetChildrenMutable().push_back(Constant(Value("NULL")));
			parts.push_back(Constant(Value(": ")));
			parts.push_back(std::move(detail));
		}
		FunctionBinder functions(context);
		vector<unique_ptr<Expression>> arguments;
		arguments.push_back(functions.BindScalarFunction(DEFAULT_SCHEMA, "concat", std::move(parts)));
		return functions.BindScalarFunction(DEFAULT_SCHEMA, ERROR_FUNCTION, std::move(arguments));
	}

	//! What `value` says for the action of the row; NULL where it says nothing.
	template <class VALUE>
	unique_ptr<BoundCaseExpression> ByAction(const LogicalType &type, VALUE value) const {
		auto result = make_uniq<BoundCaseExpression>(type);
		for (idx_t i = 0; i < actions.size(); i++) {
			unique_ptr<Expression> then = value(actions[i]);
			if (!then) {
				continue;
			}
			auto number = make_uniq<BoundReferenceExpression>(LogicalType::INTEGER, row_types.size());
			auto is_action = BoundComparisonExpression::Create(ExpressionType::COMPARE_EQUAL, std::move(number),
			                                                   Constant(Value::INTEGER(NumericCast<int32_t>(i))));
			result->CaseChecksMutable().push_back({std::move(is_action), std::move(then)});
		}
		result->ElseMutable() = Constant(Value(type));
		return result;
	}

	unique_ptr<Expression> ColumnValue(const Action &action, const ColumnDefinition &column) const {
		auto &expressions = action.action.expressions;
		switch (action.action.action_type) {
		case MergeActionType::MERGE_INSERT:
			return NewValue(context, *expressions[column.Physical().index], column, op.bound_defaults);
		case MergeActionType::MERGE_UPDATE: {
			auto &columns = action.action.columns;
			auto index = std::find(columns.begin(), columns.end(), column.Physical()) - columns.begin();
			return NewValue(context, *expressions[NumericCast<idx_t>(index)], column, op.bound_defaults);
		}
		case MergeActionType::MERGE_DELETE:
			return op.return_chunk ? Column(op.delete_return_columns[column.Physical().index]) : nullptr;
		default:
			return nullptr;
		}
	}

	unique_ptr<Expression> Name(const Action &action) const {
		switch (action.action.action_type) {
		case MergeActionType::MERGE_INSERT:
			return Constant(Value("INSERT"));
		case MergeActionType::MERGE_UPDATE:
			return Constant(Value("UPDATE"));
		case MergeActionType::MERGE_DELETE:
			return Constant(Value("DELETE"));
		default:
			return nullptr;
		}
	}

	ClientContext &context;
	LogicalMergeInto &op;
	const vector<LogicalType> &row_types;
	vector<Action> actions;
};

} // namespace

PhysicalOperator &PlanFileMerge(ClientContext &context, PhysicalPlanGenerator &planner, LogicalMergeInto &op,
                                PhysicalOperator &rows) {
	MergeChanges merge(context, op, rows.types);
	auto &chosen = PlanProjection(planner, merge.WithActions(), rows);
	auto &input = PlanProjection(planner, merge.Changes(), chosen);
	return PlanFileChange(context, planner, op.table.Cast<DuckTableEntry>(), std::move(op.bound_constraints),
	                      op.return_chunk ? op.types : vector<LogicalType>(), Repetition::MERGE_ERROR, op, input);
}

void RegisterMergeErrors(DatabaseInstance &instance) {
	ExtensionLoader loader(instance, "duckling");
	ScalarFunction error(ERROR_FUNCTION, {LogicalType::VARCHAR}, LogicalType::INTEGER, ThrowMergeError);
	error.SetStability(FunctionStability::VOLATILE);
	error.SetFallible();
	loader.RegisterFunction(error);
}

} // namespace duckling
