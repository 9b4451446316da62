// What alters names or the list of columns alone is done at once. A new type writes all files anew; NOT NULL reads the column.

#include "alter_plan.hpp"

#include "change_plan.hpp"
#include "definition_change.hpp"
#include "distributed_table.hpp"
#include "read_plan.hpp"
#include "stored_types.hpp"
#include "struct_fields.hpp"
#include "table_layout.hpp"
#include "write_plan.hpp"

#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/operator_expression.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression_binder/constant_binder.hpp"
#include "duckdb/planner/operator/logical_alter.hpp"
#include "duckdb/planner/operator/logical_empty_result.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! Changes a definition, if there is no row to sink.
class AlterTable : public PhysicalOperator {
public:
	AlterTable(PhysicalPlan &plan, vector<LogicalType> types, Catalog &catalog_p, unique_ptr<DefinitionChange> change_p,
	           string violation_p)
	    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types), 1), catalog(catalog_p),
	      change(std::move(change_p)), violation(std::move(violation_p)) {
	}

	string GetName() const override {
		return "ALTER_TABLE";
	}
	bool IsSource() const override {
		return true;
	}
	bool IsSink() const override {
		return !children.empty();
	}
	SinkResultType Sink(ExecutionContext &, DataChunk &chunk, OperatorSinkInput &) const override {
		if (chunk.size() > 0) {
			throw ConstraintException("%s", violation);
		}
		return SinkResultType::NEED_MORE_INPUT;
	}

protected:
	SourceResultType GetDataInternal(ExecutionContext &context, DataChunk &, OperatorSourceInput &) const override {
		change->Apply(context.client, catalog);
		return SourceResultType::FINISHED;
	}

private:
	Catalog &catalog;
	unique_ptr<DefinitionChange> change;
	//! What a row means
	string violation;
};

class LogicalTableAlter : public LogicalExtensionOperator {
public:
	//! `change` may be NULL.
	LogicalTableAlter(DuckTableEntry &table_p, unique_ptr<DefinitionChange> change_p)
	    : table(table_p), change(std::move(change_p)) {
	}

	//! Write the rows of `rows` in the place of files; else the child is to have none.
	void Replace(FileReplacement files, unique_ptr<LogicalOperator> rows) {
		rows->ResolveOperatorTypes();
		auto bindings = rows->GetColumnBindings();
		for (idx_t i = 0; i < bindings.size(); i++) {
			expressions.push_back(make_uniq<BoundColumnRefExpression>(rows->types[i], bindings[i]));
		}
		replaces_rows = true;
		replaced = std::move(files);
		children.push_back(std::move(rows));
	}

	//! That hold of those rows
	vector<unique_ptr<BoundConstraint>> constraints;
	//! Of a function's result
	optional<TableIndex> table_index;
	string violation;

	string GetExtensionName() const override {
		return "duckling_alter";
	}
	string GetName() const override {
		return "ALTER_TABLE";
	}
	bool SupportSerialization() const override {
		return false;
	}

	vector<ColumnBinding> GetColumnBindings() override {
		return table_index ? GenerateColumnBindings(*table_index, 1) : LogicalExtensionOperator::GetColumnBindings();
	}
	vector<TableIndex> GetTableIndex() const override {
		return table_index ? vector<TableIndex> {*table_index} : vector<TableIndex>();
	}

	PhysicalOperator &CreatePlan(ClientContext &context, PhysicalPlanGenerator &planner) override {
		if (replaces_rows) {
			auto &rows = PlanProjection(planner, std::move(expressions), planner.CreatePlan(*children[0]));
			return PlanFileRewrite(context, planner, table, std::move(constraints), std::move(replaced), std::move(change),
			                       *this, rows);
		}
		auto &result =
		    planner.Make<AlterTable>(types, table.ParentCatalog(), std::move(change), std::move(violation));
		if (!children.empty()) {
			result.children.push_back(planner.CreatePlan(*children[0]));
		}
		return result;
	}

protected:
	void ResolveTypes() override {
		types = {change ? LogicalType::BOOLEAN : LogicalType::BIGINT};
	}

private:
	DuckTableEntry &table;
	unique_ptr<DefinitionChange> change;
	bool replaces_rows = false;
	FileReplacement replaced;
};

//! The packed value that a new column has in rows that are there. DuckDB's parser turns a default that is no constant into an UPDATE.
Value InitialValue(ClientContext &context, Binder &binder, TableCatalogEntry &table, const ColumnDefinition &column) {
	if (!column.HasDefaultValue()) {
		return Value(LogicalType::BLOB);
	}
	auto type = column.Type();
	auto column_binder = Binder::CreateBinder(context, &binder);
	column_binder->SetSearchPath(table.catalog, table.schema.name);
	column_binder->BindLogicalType(type);
	ConstantBinder default_binder(*column_binder, context, "DEFAULT value");
	default_binder.target_type = type;
	auto expression = column.DefaultValue().Copy();
	auto value = default_binder.Bind(expression);
	auto cast = BoundCastExpression::AddCastToType(context, std::move(value), type);
	return ExpressionExecutor::EvaluateScalar(context, *Pack(context, std::move(cast)), true);
}

unique_ptr<LogicalOperator> BindSelect(ClientContext &context, Binder &binder, TableCatalogEntry &table,
                                       unique_ptr<SelectNode> select) {
	auto from = make_uniq<BaseTableRef>();
	from->SetQualifiedName(table.catalog.GetName(), table.schema.name, table.name);
	select->from_table = std::move(from);
	auto statement = make_uniq<SelectStatement>();
	statement->node = std::move(select);
	SubqueryRef subquery(std::move(statement));
	auto select_binder = Binder::CreateBinder(context, &binder);
	return select_binder->Bind(static_cast<TableRef &>(subquery)).plan;
}

unique_ptr<LogicalOperator> BindNulls(ClientContext &context, Binder &binder, TableCatalogEntry &table,
                                      const Identifier &column) {
	auto select = make_uniq<SelectNode>();
	select->select_list.push_back(ConstantExpression::Boolean(true));
	select->where_clause = make_uniq<OperatorExpression>(ExpressionType::OPERATOR_IS_NULL,
	                                                     make_uniq<ColumnRefExpression>(column));
	return BindSelect(context, binder, table, std::move(select));
}

//! All columns that are stored, one of them with a new type if `info` is not NULL.
unique_ptr<LogicalOperator> BindRows(ClientContext &context, Binder &binder, TableCatalogEntry &table,
                                     optional_ptr<const ChangeColumnTypeInfo> info) {
	auto select = make_uniq<SelectNode>();
	for (auto &column : table.GetColumns().Physical()) {
		unique_ptr<ParsedExpression> value = make_uniq<ColumnRefExpression>(column.Name());
		if (info && column.Name() == info->column_path[0]) {
			value = info->expression->Copy();
			if (info->target_type != LogicalType::UNKNOWN) {
				value = make_uniq<CastExpression>(info->target_type, std::move(value));
			}
		}
		select->select_list.push_back(std::move(value));
	}
	return BindSelect(context, binder, table, std::move(select));
}

optional_ptr<DuckTableEntry> AlteredTable(ClientContext &context, const LogicalOperator &op) {
	if (op.type != LogicalOperatorType::LOGICAL_ALTER) {
		return nullptr;
	}
	auto &info = *op.Cast<LogicalAlter>().info;
	if (info.type != AlterType::ALTER_TABLE) {
		return nullptr;
	}
	auto entry = Catalog::GetEntry(context, EntryLookupInfo(CatalogType::TABLE_ENTRY, info.GetQualifiedName()),
	                               OnEntryNotFound::RETURN_NULL);
	return entry && IsDistributed(*entry) ? &entry->Cast<DuckTableEntry>() : nullptr;
}

optional<Identifier> AlteredColumn(const AlterTableInfo &info) {
	switch (info.alter_table_type) {
	case AlterTableType::REMOVE_COLUMN:
		return info.Cast<RemoveColumnInfo>().removed_column;
	case AlterTableType::RENAME_COLUMN:
		return info.Cast<RenameColumnInfo>().old_name;
	case AlterTableType::ALTER_COLUMN_TYPE:
		return info.Cast<ChangeColumnTypeInfo>().column_path[0];
	default:
		return {};
	}
}

//! Refuse to alter a column by which files are divided or ordered.
void CheckLayout(const DuckTableEntry &table, const AlterTableInfo &info) {
	auto name = AlteredColumn(info);
	auto &columns = table.GetColumns();
	if (!name || !columns.ColumnExists(*name) || columns.GetColumn(*name).Generated()) {
		return;
	}
	if (LayoutOf(table.tags, columns).HasColumn(columns.GetColumn(*name).Physical())) {
		throw BinderException("Cannot alter the column \"%s\": distributed table \"%s\" is partitioned or sorted by it",
		                      name->GetIdentifierName(), table.name.GetIdentifierName());
	}
}

} // namespace

bool PlanAlter(ClientContext &context, Binder &binder, unique_ptr<LogicalOperator> &op) {
	auto table = AlteredTable(context, *op);
	if (!table) {
		return false;
	}
	auto &given = op->Cast<LogicalAlter>().info->Cast<AlterTableInfo>();
	auto field_change = FieldChange(*table, given);
	auto &info = field_change ? static_cast<AlterTableInfo &>(*field_change) : given;
	CheckLayout(*table, info);
	auto change = [&](const Value &initial_value) {
		return make_uniq<LogicalTableAlter>(*table,
		                                    make_uniq<DefinitionChange>(context, *table, given, initial_value));
	};
	auto no_value = Value(LogicalType::BLOB);
	unique_ptr<LogicalTableAlter> result;
	switch (info.alter_table_type) {
	case AlterTableType::ADD_COLUMN:
		result = change(InitialValue(context, binder, *table, info.Cast<AddColumnInfo>().new_column));
		break;
	case AlterTableType::REMOVE_COLUMN:
	case AlterTableType::RENAME_COLUMN:
		result = change(no_value);
		break;
	case AlterTableType::ALTER_COLUMN_TYPE: {
		auto &type_info = info.Cast<ChangeColumnTypeInfo>();
		if (!table->ColumnExists(type_info.column_path[0]) || type_info.column_path.size() != 1 ||
		    table->GetColumn(type_info.column_path[0]).Generated()) {
			// DuckDB says why not
			return false;
		}
		result = change(no_value);
		result->Replace({ListFiles(context, *table)}, BindRows(context, binder, *table, type_info));
		for (auto &constraint : binder.BindConstraints(*table)) {
			if (constraint->type == ConstraintType::NOT_NULL) {
				result->constraints.push_back(std::move(constraint));
			}
		}
		break;
	}
	case AlterTableType::SET_NOT_NULL: {
		auto &path = info.Cast<SetNotNullInfo>().column_path;
		if (!table->ColumnExists(path[0]) || path.size() != 1) {
			return false;
		}
		result = change(no_value);
		result->children.push_back(BindNulls(context, binder, *table, path[0]));
		result->violation = StringUtil::Format("NOT NULL constraint failed: %s.%s", SQLIdentifier(table->name),
		                                       SQLIdentifier(table->GetColumn(path[0]).Name()));
		break;
	}
	default:
		return false;
	}
	binder.GetStatementProperties().always_require_rebind = true;
	op = std::move(result);
	return true;
}

unique_ptr<LogicalOperator> PlanCompaction(ClientContext &context, Binder &binder, DuckTableEntry &table,
                                           FileReplacement replaced, TableIndex index) {
	auto rows = BindRows(context, binder, table, nullptr);
	if (replaced.files.empty()) {
		rows = make_uniq<LogicalEmptyResult>(std::move(rows));
	} else {
		ScanSomeFiles(context, binder, replaced.files, rows);
	}
	auto result = make_uniq<LogicalTableAlter>(table, nullptr);
	result->Replace(std::move(replaced), std::move(rows));
	result->table_index = index;
	return std::move(result);
}

} // namespace duckling
