// LIST_FILES ─ EXCHANGE ─ tasks: COPY (projection that encodes ─ rows) TO parquet
//
// What the driver would check of each row, tasks do not: a statement whose rows have a CHECK to fulfil is the driver's. NOT NULL is
// told by the statistics of the files.

#include "task_write.hpp"

#include "distributed_table.hpp"
#include "record_files.hpp"
#include "stored_types.hpp"
#include "table_columns.hpp"
#include "table_layout.hpp"
#include "write_plan.hpp"

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/parser/keyword_helper.hpp"
#include "duckdb/planner/constraints/bound_not_null_constraint.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"
#include "duckdb/planner/operator/logical_insert.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"

using namespace duckdb;

namespace duckling {

namespace {

string Quoted(const string &name) {
	return KeywordHelper::WriteQuoted(name, '"');
}

class LogicalListFiles : public LogicalExtensionOperator {
public:
	LogicalListFiles(LogicalOperator &replaced, Catalog &catalog_p, string table_id_p, string folder_p)
	    : catalog(catalog_p), table_id(std::move(table_id_p)), folder(std::move(folder_p)),
	      bindings(replaced.GetColumnBindings()), column_types(replaced.types) {
		types = column_types;
		estimated_cardinality = replaced.estimated_cardinality;
		has_estimated_cardinality = replaced.has_estimated_cardinality;
	}

	ColumnIds column_ids;
	std::vector<string> column_names;
	std::vector<NotNullColumn> not_null;
	//! The table to be created, if it is not there yet
	SchemaCatalogEntry *schema = nullptr;
	unique_ptr<BoundCreateTableInfo> create;

	string GetExtensionName() const override {
		return "duckling_list_files";
	}
	string GetName() const override {
		return "LIST_FILES";
	}
	bool SupportSerialization() const override {
		return false;
	}
	vector<ColumnBinding> GetColumnBindings() override {
		return bindings;
	}

	PhysicalOperator &CreatePlan(ClientContext &, PhysicalPlanGenerator &planner) override {
		auto &files = planner.CreatePlan(*children[0]);
		auto &result =
		    planner.Make<RecordFiles>(types, catalog, std::move(table_id), estimated_cardinality).Cast<RecordFiles>();
		result.folder = std::move(folder);
		result.column_ids = std::move(column_ids);
		result.column_names = std::move(column_names);
		result.not_null = std::move(not_null);
		result.schema = schema;
		result.create = std::move(create);
		result.children.push_back(files);
		return result;
	}

protected:
	void ResolveTypes() override {
		types = column_types;
	}

private:
	Catalog &catalog;
	string table_id;
	string folder;
	vector<ColumnBinding> bindings;
	vector<LogicalType> column_types;
};

//! The option of COPY that has files of a table divided and ordered.
string Target(const string &folder, const TableLayout &layout, const ColumnList &columns) {
	auto result = StringUtil::Format("TO %s (FORMAT parquet, COMPRESSION zstd, RETURN_STATS true, APPEND true, FILE_SIZE_BYTES %d, "
	                                 "FILENAME_PATTERN '{uuidv7}'",
	                                 Value(folder).ToSQLString(), TARGET_FILE_BYTES);
	if (!layout.partition_keys.empty()) {
		vector<string> names;
		for (idx_t key = 0; key < layout.partition_keys.size(); key++) {
			names.push_back(PartitionName(key));
		}
		result += ", PARTITION_BY (" + StringUtil::Join(names, ", ") + "), HIVE_FILE_PATTERN false, WRITE_PARTITION_COLUMNS false";
	}
	if (!layout.sort_keys.empty()) {
		vector<string> orders;
		for (auto &column : layout.sort_keys) {
			orders.push_back(Quoted(columns.GetColumn(column).Name().GetIdentifierName()) + " ASC NULLS LAST");
		}
		result += ", ORDER_BY " + Value(StringUtil::Join(orders, ", ")).ToSQLString();
	}
	return result + ")";
}

//! `values` are what the columns of the table get.
TaskWrite Write(ClientContext &context, Binder &binder, const ColumnList &columns, const TableLayout &layout,
                const string &folder, vector<unique_ptr<Expression>> values) {
	TaskWrite result;
	result.column_names = ColumnNames(columns);
	vector<unique_ptr<Expression>> stored;
	for (auto &value : values) {
		stored.push_back(Encode(context, value->Copy()));
	}
	for (idx_t i = 0; i < layout.partition_keys.size(); i++) {
		auto &key = layout.partition_keys[i];
		stored.push_back(PartitionValue(context, key, values[key.column.index]->Copy()));
		result.column_names.push_back(PartitionName(i));
	}
	result.rows = make_uniq<LogicalProjection>(binder.GenerateTableIndex(), std::move(stored));
	result.target = Target(folder, layout, columns);
	return result;
}

vector<unique_ptr<Expression>> ColumnsOf(LogicalOperator &rows) {
	vector<unique_ptr<Expression>> result;
	auto bindings = rows.GetColumnBindings();
	for (idx_t i = 0; i < bindings.size(); i++) {
		result.push_back(make_uniq<BoundColumnRefExpression>(rows.types[i], bindings[i]));
	}
	return result;
}

vector<unique_ptr<Expression>> InsertedValues(LogicalInsert &insert) {
	auto given = ColumnsOf(*insert.children[0]);
	if (insert.column_index_map.empty()) {
		return given;
	}
	vector<unique_ptr<Expression>> result;
	for (auto &column : insert.table.GetColumns().Physical()) {
		auto index = insert.column_index_map[column.Physical()];
		auto is_given = index != DConstants::INVALID_INDEX;
		result.push_back(is_given ? given[index]->Copy() : insert.bound_defaults[column.StorageOid()]->Copy());
	}
	return result;
}

//! Whether the files that tasks have written tell whether a constraint holds.
bool IsToldByFiles(const BoundConstraint &constraint, const TableCatalogEntry &table) {
	if (constraint.type != ConstraintType::NOT_NULL) {
		return false;
	}
	auto index = constraint.Cast<BoundNotNullConstraint>().index;
	return !StoredType(table.GetColumns().GetColumn(index).Type()).IsNested();
}

optional<TaskWrite> InsertOf(ClientContext &context, Binder &binder, LogicalInsert &insert) {
	auto &table = insert.table;
	// The driver evaluates generated columns, which may fail
	if (!IsDistributed(table) || table.HasGeneratedColumns() || insert.return_chunk || insert.on_conflict_info.action_type != OnConflictAction::THROW) {
		return {};
	}
	for (auto &constraint : insert.bound_constraints) {
		if (!IsToldByFiles(*constraint, table)) {
			return {};
		}
	}
	return Write(context, binder, table.GetColumns(), LayoutOf(table.tags, table.GetColumns()),
	             StoredPath(context, TableFolder(context, table.catalog, TableId(table))), InsertedValues(insert));
}

optional<TaskWrite> CreateOf(ClientContext &context, Binder &binder, LogicalCreateTable &op) {
	auto &info = op.info->Base().Cast<CreateTableInfo>();
	if (op.children.empty() || !WillBeDistributed(*context.db, info)) {
		return {};
	}
	auto existing = op.schema.GetEntry(op.schema.GetCatalogTransaction(context), CatalogType::TABLE_ENTRY, info.GetTableName());
	if (existing && info.on_conflict != OnCreateConflict::REPLACE_ON_CONFLICT) {
		// DuckDB says so, or does nothing
		return {};
	}
	auto folder = StoredPath(context, TableFolder(context, op.schema.catalog, TableId(info.tags)));
	return Write(context, binder, info.columns, LayoutOf(info.tags, info.columns), folder, ColumnsOf(*op.children[0]));
}

unique_ptr<LogicalListFiles> ListInsert(ClientContext &context, LogicalInsert &insert) {
	auto &table = insert.table.Cast<DuckTableEntry>();
	auto folder = StoredPath(context, TableFolder(context, table.catalog, TableId(table)));
	auto result = make_uniq<LogicalListFiles>(insert, table.ParentCatalog(), TableId(table), folder);
	result->column_ids = ListColumns(context, table).ids;
	result->column_names = ColumnNames(table.GetColumns());
	for (auto &constraint : insert.bound_constraints) {
		auto &name = table.GetColumns().GetColumn(constraint->Cast<BoundNotNullConstraint>().index).Name();
		result->not_null.push_back({name.GetIdentifierName(),
		                            StringUtil::Format("NOT NULL constraint failed: %s.%s", SQLIdentifier(table.name),
		                                               SQLIdentifier(name))});
	}
	return result;
}

unique_ptr<LogicalListFiles> ListCreate(ClientContext &context, LogicalCreateTable &op) {
	auto &info = op.info->Base().Cast<CreateTableInfo>();
	auto id = TableId(info.tags);
	auto folder = StoredPath(context, TableFolder(context, op.schema.catalog, id));
	auto result = make_uniq<LogicalListFiles>(op, op.schema.catalog, id, folder);
	result->column_ids = FirstColumnIds(info.columns.PhysicalColumnCount());
	result->column_names = ColumnNames(info.columns);
	result->schema = &op.schema;
	result->create = std::move(op.info);
	return result;
}

} // namespace

optional<TaskWrite> TaskWriteOf(ClientContext &context, Binder &binder, LogicalOperator &op) {
	switch (op.type) {
	case LogicalOperatorType::LOGICAL_INSERT:
		return InsertOf(context, binder, op.Cast<LogicalInsert>());
	case LogicalOperatorType::LOGICAL_CREATE_TABLE:
		return CreateOf(context, binder, op.Cast<LogicalCreateTable>());
	default:
		return {};
	}
}

unique_ptr<LogicalOperator> ListTaskFiles(ClientContext &context, LogicalOperator &op, unique_ptr<LogicalOperator> files) {
	auto result = op.type == LogicalOperatorType::LOGICAL_INSERT ? ListInsert(context, op.Cast<LogicalInsert>())
	                                                             : ListCreate(context, op.Cast<LogicalCreateTable>());
	result->children.push_back(std::move(files));
	return std::move(result);
}

} // namespace duckling
