// The names of catalog objects in a parsed statement.

#include "statement_names.hpp"

#include "duckdb/common/type_visitor.hpp"
#include "duckdb/function/scalar_macro_function.hpp"
#include "duckdb/function/table_macro_function.hpp"
#include "duckdb/parser/common_table_expression_info.hpp"
#include "duckdb/parser/constraints/check_constraint.hpp"
#include "duckdb/parser/expression/list.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/parser/parsed_data/create_macro_info.hpp"
#include "duckdb/parser/parsed_data/create_schema_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_data/create_type_info.hpp"
#include "duckdb/parser/parsed_data/create_view_info.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/query_node/list.hpp"
#include "duckdb/parser/statement/list.hpp"
#include "duckdb/parser/tableref/list.hpp"

using namespace duckdb;

namespace duckherder {

void StatementNames::VisitTarget(InsertQueryNode &insert) {
	VisitName(CatalogType::TABLE_ENTRY, insert.qualified_name);
}

void StatementNames::Walk(Expressions &expressions) {
	for (auto &expression : expressions) {
		Walk(expression);
	}
}

static bool TakesSequence(const FunctionExpression &function) {
	auto &name = function.FunctionName();
	return name == "nextval" || name == "currval" || name == "setval";
}

//! Sequences are named by a text.
void StatementNames::WalkSequence(unique_ptr<ParsedExpression> &argument) {
	if (argument->GetExpressionClass() != ExpressionClass::CONSTANT) {
		return;
	}
	auto value = argument->Cast<ConstantExpression>().GetLiteral().ToValue();
	QualifiedName name;
	string error;
	if (value.IsNull() || value.type().id() != LogicalTypeId::VARCHAR ||
	    !QualifiedName::TryParse(StringValue::Get(value), name, error)) {
		return;
	}
	auto before = name;
	VisitName(CatalogType::SEQUENCE_ENTRY, name);
	if (name != before) {
		auto renamed = ConstantExpression::FromValue(Value(name.ToString()));
		renamed->SetAlias(argument->GetAlias());
		renamed->SetQueryLocation(argument->GetQueryLocation());
		argument = std::move(renamed);
	}
}

void StatementNames::Walk(unique_ptr<ParsedExpression> &expression) {
	if (!expression) {
		return;
	}
	if (expression->GetExpressionClass() == ExpressionClass::FUNCTION) {
		auto &function = expression->Cast<FunctionExpression>();
		if (TakesSequence(function) && !function.GetArguments().empty()) {
			WalkSequence(function.GetArgumentsMutable()[0].GetExpressionMutable());
		}
	}
	WalkInPlace(*expression);
}

void StatementNames::WalkInPlace(ParsedExpression &expression) {
	Enter(int(expression.GetExpressionClass()), expression.GetQueryLocation());
	switch (expression.GetExpressionClass()) {
	case ExpressionClass::FUNCTION: {
		auto &function = expression.Cast<FunctionExpression>();
		auto name = function.GetQualifiedName();
		VisitName(CatalogType::SCALAR_FUNCTION_ENTRY, name);
		function.SetQualifiedName(std::move(name));
		break;
	}
	case ExpressionClass::WINDOW: {
		auto &window = expression.Cast<WindowExpression>();
		auto name = window.GetQualifiedName();
		VisitName(CatalogType::SCALAR_FUNCTION_ENTRY, name);
		window.SetQualifiedName(std::move(name));
		break;
	}
	case ExpressionClass::TYPE: {
		auto &type = expression.Cast<TypeExpression>();
		VisitName(CatalogType::TYPE_ENTRY, type.GetQualifiedNameMutable());
		break;
	}
	case ExpressionClass::CAST:
		// No child of the expression
		WalkInPlace(expression.Cast<CastExpression>().TargetTypeMutable());
		break;
	case ExpressionClass::SUBQUERY:
		Walk(*expression.Cast<SubqueryExpression>().SubqueryMutable()->node);
		break;
	case ExpressionClass::COLUMN_REF:
		VisitColumn(expression.Cast<ColumnRefExpression>());
		break;
	default:
		break;
	}
	ParsedExpressionIterator::EnumerateChildren(expression, [&](unique_ptr<ParsedExpression> &child) { Walk(child); });
	Leave();
}

void StatementNames::Walk(unique_ptr<TableRef> &ref) {
	if (ref) {
		Walk(*ref);
	}
}

void StatementNames::Walk(TableRef &ref) {
	Enter(-int(ref.type), ref.query_location);
	switch (ref.type) {
	case TableReferenceType::BASE_TABLE: {
		auto &table = ref.Cast<BaseTableRef>();
		if (table.GetQualifiedName().Path().size() > 1 || ctes[table.Table()] == 0) {
			VisitTable(table);
		}
		break;
	}
	case TableReferenceType::JOIN: {
		auto &join = ref.Cast<JoinRef>();
		Walk(join.left);
		Walk(join.right);
		Walk(join.condition);
		Walk(join.ranking_expression);
		break;
	}
	case TableReferenceType::SUBQUERY:
		Walk(*ref.Cast<SubqueryRef>().subquery->node);
		break;
	case TableReferenceType::TABLE_FUNCTION: {
		auto &call = ref.Cast<TableFunctionRef>();
		auto &function = call.function->Cast<FunctionExpression>();
		auto name = function.GetQualifiedName();
		VisitName(CatalogType::TABLE_FUNCTION_ENTRY, name);
		function.SetQualifiedName(std::move(name));
		Enter(int(ExpressionClass::FUNCTION), function.GetQueryLocation());
		Leave();
		for (auto &argument : function.GetArgumentsMutable()) {
			Walk(argument.GetExpressionMutable());
		}
		if (call.subquery) {
			Walk(*call.subquery->node);
		}
		break;
	}
	case TableReferenceType::EXPRESSION_LIST:
		for (auto &row : ref.Cast<ExpressionListRef>().values) {
			Walk(row);
		}
		break;
	case TableReferenceType::PIVOT: {
		auto &pivot = ref.Cast<PivotRef>();
		Walk(pivot.source);
		Walk(pivot.aggregates);
		for (auto &column : pivot.pivots) {
			Walk(column.pivot_expressions);
			if (column.subquery) {
				Walk(*column.subquery);
			}
		}
		break;
	}
	case TableReferenceType::SHOW_REF: {
		auto &show = ref.Cast<ShowRef>();
		if (show.query) {
			Walk(*show.query);
		} else if (!show.qualified_name.Path().empty() && show.show_type != ShowType::SHOW_FROM) {
			VisitName(CatalogType::TABLE_ENTRY, show.qualified_name);
		}
		break;
	}
	default:
		break;
	}
	Leave();
}

void StatementNames::Walk(QueryNode &node) {
	// Each may use those before it; none hides a table from itself
	vector<Identifier> own;
	for (auto &entry : node.cte_map.map) {
		if (entry.second->query_node) {
			Walk(*entry.second->query_node);
		}
		Walk(entry.second->key_targets);
		own.push_back(entry.first);
		ctes[entry.first]++;
	}
	WalkClauses(node);
	for (auto &name : own) {
		ctes[name]--;
	}
}

static void ForEachExpression(UpdateSetInfo &info, const std::function<void(unique_ptr<ParsedExpression> &)> &visit) {
	visit(info.condition);
	for (auto &expression : info.expressions) {
		visit(expression);
	}
}

void StatementNames::WalkClauses(QueryNode &node) {
	auto visit = [&](unique_ptr<ParsedExpression> &expression) {
		Walk(expression);
	};
	switch (node.type) {
	case QueryNodeType::SELECT_NODE: {
		auto &select = node.Cast<SelectNode>();
		Walk(select.from_table);
		Walk(select.select_list);
		Walk(select.where_clause);
		Walk(select.groups.group_expressions);
		Walk(select.having);
		Walk(select.qualify);
		break;
	}
	case QueryNodeType::SET_OPERATION_NODE:
		for (auto &child : node.Cast<SetOperationNode>().children) {
			Walk(*child);
		}
		break;
	case QueryNodeType::RECURSIVE_CTE_NODE: {
		auto &recursive = node.Cast<RecursiveCTENode>();
		Walk(*recursive.left);
		ctes[recursive.ctename]++;
		Walk(*recursive.right);
		ctes[recursive.ctename]--;
		Walk(recursive.key_targets);
		break;
	}
	case QueryNodeType::INSERT_QUERY_NODE: {
		auto &insert = node.Cast<InsertQueryNode>();
		VisitTarget(insert);
		if (insert.select_statement) {
			Walk(*insert.select_statement->node);
		}
		if (insert.on_conflict_info) {
			Walk(insert.on_conflict_info->condition);
			if (insert.on_conflict_info->set_info) {
				ForEachExpression(*insert.on_conflict_info->set_info, visit);
			}
		}
		Walk(insert.returning_list);
		break;
	}
	case QueryNodeType::UPDATE_QUERY_NODE: {
		auto &update = node.Cast<UpdateQueryNode>();
		Walk(update.table);
		Walk(update.from_table);
		if (update.set_info) {
			ForEachExpression(*update.set_info, visit);
		}
		Walk(update.returning_list);
		break;
	}
	case QueryNodeType::DELETE_QUERY_NODE: {
		auto &del = node.Cast<DeleteQueryNode>();
		Walk(del.table);
		for (auto &clause : del.using_clauses) {
			Walk(clause);
		}
		Walk(del.condition);
		Walk(del.returning_list);
		break;
	}
	case QueryNodeType::MERGE_QUERY_NODE: {
		auto &merge = node.Cast<MergeQueryNode>();
		Walk(merge.target);
		Walk(merge.source);
		Walk(merge.join_condition);
		for (auto &entry : merge.actions) {
			for (auto &action : entry.second) {
				Walk(action->condition);
				if (action->update_info) {
					ForEachExpression(*action->update_info, visit);
				}
				Walk(action->expressions);
			}
		}
		Walk(merge.returning_list);
		break;
	}
	default:
		break;
	}
	ParsedExpressionIterator::EnumerateQueryNodeModifiers(node, visit);
}

void StatementNames::Walk(LogicalType &type) {
	if (!TypeVisitor::Contains(type, LogicalTypeId::UNBOUND)) {
		return;
	}
	type = TypeVisitor::VisitReplace(type, [&](const LogicalType &part) {
		if (part.id() != LogicalTypeId::UNBOUND) {
			return part;
		}
		auto expression = UnboundType::GetTypeExpression(part)->Copy();
		Walk(expression);
		return LogicalType::UNBOUND(std::move(expression));
	});
}

void StatementNames::Walk(CreateTableInfo &info) {
	for (idx_t i = 0; i < info.columns.LogicalColumnCount(); i++) {
		auto &column = info.columns.GetColumnMutable(LogicalIndex(i));
		Walk(column.TypeMutable());
		if (column.Generated()) {
			WalkInPlace(column.GeneratedExpressionMutable());
		} else if (column.HasDefaultValue()) {
			auto value = column.DefaultValue().Copy();
			Walk(value);
			column.SetDefaultValue(std::move(value));
		}
	}
	for (auto &constraint : info.constraints) {
		if (constraint->type == ConstraintType::CHECK) {
			Walk(constraint->Cast<CheckConstraint>().expression);
		}
	}
	Walk(info.partition_keys);
	Walk(info.sort_keys);
	if (info.query) {
		Walk(*info.query->node);
	}
}

void StatementNames::Walk(CreateMacroInfo &info) {
	for (auto &macro : info.macros) {
		for (auto &type : macro->types) {
			Walk(type);
		}
		for (auto &parameter : macro->default_parameters) {
			Walk(parameter.second);
		}
		if (macro->type == MacroType::SCALAR_MACRO) {
			Walk(macro->Cast<ScalarMacroFunction>().expression);
		} else if (macro->type == MacroType::TABLE_MACRO) {
			Walk(*macro->Cast<TableMacroFunction>().query_node);
		}
	}
}

void StatementNames::WalkBody(CreateInfo &info) {
	switch (info.type) {
	case CatalogType::TABLE_ENTRY:
		Walk(info.Cast<CreateTableInfo>());
		break;
	case CatalogType::VIEW_ENTRY:
		if (info.Cast<CreateViewInfo>().query) {
			Walk(*info.Cast<CreateViewInfo>().query->node);
		}
		break;
	case CatalogType::TYPE_ENTRY: {
		auto &type = info.Cast<CreateTypeInfo>();
		Walk(type.type);
		if (type.query && type.query->type == StatementType::SELECT_STATEMENT) {
			Walk(*type.query->Cast<SelectStatement>().node);
		}
		break;
	}
	case CatalogType::INDEX_ENTRY:
		Walk(info.Cast<CreateIndexInfo>().expressions);
		Walk(info.Cast<CreateIndexInfo>().parsed_expressions);
		break;
	case CatalogType::MACRO_ENTRY:
	case CatalogType::TABLE_MACRO_ENTRY:
		Walk(info.Cast<CreateMacroInfo>());
		break;
	default:
		break;
	}
}

void StatementNames::WalkBody(AlterInfo &info) {
	if (info.type != AlterType::ALTER_TABLE) {
		return;
	}
	auto &table = info.Cast<AlterTableInfo>();
	auto walk_column = [&](ColumnDefinition &column) {
		Walk(column.TypeMutable());
		if (!column.Generated() && column.HasDefaultValue()) {
			auto value = column.DefaultValue().Copy();
			Walk(value);
			column.SetDefaultValue(std::move(value));
		}
	};
	switch (table.alter_table_type) {
	case AlterTableType::ADD_COLUMN:
		walk_column(table.Cast<AddColumnInfo>().new_column);
		break;
	case AlterTableType::ADD_FIELD:
		walk_column(table.Cast<AddFieldInfo>().new_field);
		break;
	case AlterTableType::ALTER_COLUMN_TYPE:
		Walk(table.Cast<ChangeColumnTypeInfo>().target_type);
		Walk(table.Cast<ChangeColumnTypeInfo>().expression);
		break;
	case AlterTableType::SET_DEFAULT:
		Walk(table.Cast<SetDefaultInfo>().expression);
		break;
	default:
		break;
	}
}

void StatementNames::Walk(CreateInfo &info) {
	auto name = info.GetQualifiedName();
	VisitNewName(info.type, name);
	info.SetQualifiedName(std::move(name));
	WalkBody(info);
}

void StatementNames::Walk(AlterInfo &info) {
	VisitName(info.type == AlterType::SET_COLUMN_COMMENT ? CatalogType::TABLE_ENTRY : info.GetCatalogType(),
	          info.GetQualifiedNameMutable());
	WalkBody(info);
}

void StatementNames::Walk(DropInfo &info) {
	VisitName(info.type, info.GetQualifiedNameMutable());
}

void StatementNames::Walk(SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::CREATE_STATEMENT:
		Walk(*statement.Cast<CreateStatement>().info);
		break;
	case StatementType::ALTER_STATEMENT:
		Walk(*statement.Cast<AlterStatement>().info);
		break;
	case StatementType::DROP_STATEMENT:
		Walk(*statement.Cast<DropStatement>().info);
		break;
	case StatementType::SELECT_STATEMENT:
		Walk(*statement.Cast<SelectStatement>().node);
		break;
	case StatementType::INSERT_STATEMENT:
		Walk(*statement.Cast<InsertStatement>().node);
		break;
	case StatementType::UPDATE_STATEMENT:
		Walk(*statement.Cast<UpdateStatement>().node);
		break;
	case StatementType::DELETE_STATEMENT:
		Walk(*statement.Cast<DeleteStatement>().node);
		break;
	case StatementType::MERGE_INTO_STATEMENT:
		Walk(*statement.Cast<MergeIntoStatement>().node);
		break;
	default:
		break;
	}
}

} // namespace duckherder
