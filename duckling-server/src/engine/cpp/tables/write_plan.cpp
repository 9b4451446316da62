// LIST_FILES ─ COPY TO parquet ─ projection that encodes ─ CHECK_CONSTRAINTS ─ NOTE_CHANGED_ROWS ─ rows
//
// The files get names that nothing else has, so a statement that fails, or whose transaction is rolled back, leaves files that
// nobody lists.

#include "write_plan.hpp"

#include "change_plan.hpp"
#include "checked_rows.hpp"
#include "distributed_table.hpp"
#include "durable_files.hpp"
#include "record_files.hpp"
#include "stored_types.hpp"
#include "table_layout.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/copy_function_catalog_entry.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"
#include "duckdb/planner/operator/logical_copy_to_file.hpp"

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *FORMAT = "parquet";

//! What is stored of `rows`, and after it what they are divided by.
PhysicalOperator &PlanEncoding(ClientContext &context, PhysicalPlanGenerator &planner, const TableLayout &layout,
                               PhysicalOperator &rows) {
	vector<unique_ptr<Expression>> expressions;
	bool is_needed = !layout.partition_keys.empty();
	for (auto &type : rows.types) {
		auto stored = Encode(context, make_uniq<BoundReferenceExpression>(type, expressions.size()));
		is_needed = is_needed || stored->GetReturnType() != type;
		expressions.push_back(std::move(stored));
	}
	for (auto &key : layout.partition_keys) {
		auto column = make_uniq<BoundReferenceExpression>(rows.types[key.column.index], key.column.index);
		expressions.push_back(PartitionValue(context, key, std::move(column)));
	}
	return is_needed ? PlanProjection(planner, std::move(expressions), rows) : rows;
}

//! Have `copy` write rows of these stored types, and the values of partition keys after them, as the layout wants it.
void DivideAndOrder(LogicalCopyToFile &copy, const TableLayout &layout, idx_t column_count) {
	copy.partition_output = true;
	copy.overwrite_mode = CopyOverwriteMode::COPY_APPEND;
	copy.filename_pattern.SetFilenamePattern("{uuidv7}");
	copy.hive_file_pattern = false;
	copy.write_partition_columns = false;
	copy.write_empty_file = true;
	copy.rotate = true;
	copy.file_size_bytes = TARGET_FILE_BYTES;
	for (idx_t key = 0; key < layout.partition_keys.size(); key++) {
		copy.partition_columns.push_back(column_count + key);
		copy.names.emplace_back(PartitionName(key));
	}
	for (auto &column : layout.sort_keys) {
		auto value = make_uniq<BoundReferenceExpression>(copy.expected_types[column.index], column.index);
		copy.order_columns.emplace_back(OrderType::ASCENDING, OrderByNullType::NULLS_LAST, std::move(value));
	}
}

PhysicalOperator &PlanCopy(ClientContext &context, PhysicalPlanGenerator &planner, const ColumnList &columns,
                           const TableLayout &layout, const string &folder, PhysicalOperator &rows) {
	auto &entry = Catalog::GetSystemCatalog(context).GetEntry<CopyFunctionCatalogEntry>(
	    context, Identifier::DefaultSchema(), Identifier(FORMAT));
	auto info = make_uniq<CopyInfo>();
	info->format = FORMAT;
	info->is_from = false;
	info->options["compression"].push_back(Value("zstd"));
	vector<Identifier> names;
	for (auto &column : columns.Physical()) {
		names.push_back(column.Name());
	}
	CopyFunctionBindInput input(*info);
	input.file_extension = FORMAT;
	vector<LogicalType> stored_types(rows.types.begin(), rows.types.begin() + NumericCast<int64_t>(names.size()));
	auto bind_data = entry.function.copy_to_bind(context, input, names, stored_types);
	LogicalCopyToFile copy(entry.function, std::move(bind_data), std::move(info), TableIndex(0));
	copy.file_path = layout.IsPlain() ? folder + "/" + NewFileName() : folder;
	copy.file_extension = FORMAT;
	copy.use_tmp_file = false;
	copy.overwrite_mode = CopyOverwriteMode::COPY_ERROR_ON_CONFLICT;
	copy.per_thread_output = false;
	copy.rotate = false;
	copy.partition_output = false;
	copy.write_partition_columns = true;
	copy.write_empty_file = false;
	copy.return_type = CopyFunctionReturnType::WRITTEN_FILE_STATISTICS;
	copy.names = names;
	copy.expected_types = rows.types;
	if (!layout.IsPlain()) {
		DivideAndOrder(copy, layout, names.size());
	}
	copy.estimated_cardinality = rows.estimated_cardinality;
	if (copy.function.desired_batch_size) {
		copy.batch_size = copy.function.desired_batch_size(context, *copy.bind_data);
	}
	copy.ResolveOperatorTypes();
	return planner.CreatePlan(copy, rows);
}

//! Write `rows` into files in `folder`, and list these.
RecordFiles &PlanFiles(ClientContext &context, PhysicalPlanGenerator &planner, Catalog &catalog, const string &table_id,
                       const ColumnList &columns, const TableLayout &layout, const string &folder, const LogicalOperator &op,
                       PhysicalOperator &rows) {
	auto &encoded = PlanEncoding(context, planner, layout, rows);
	auto &copy = PlanCopy(context, planner, columns, layout, folder, encoded);
	auto &result = planner.Make<RecordFiles>(op.types, catalog, table_id, op.estimated_cardinality).Cast<RecordFiles>();
	result.column_names = ColumnNames(columns);
	result.children.push_back(copy);
	return result;
}

//! Append `rows`, which are rows of the table, to it.
RecordFiles &PlanAppend(ClientContext &context, PhysicalPlanGenerator &planner, DuckTableEntry &table,
                        vector<unique_ptr<BoundConstraint>> constraints, const LogicalOperator &op, PhysicalOperator &rows) {
	auto folder = StoredPath(context, TableFolder(context, table.catalog, TableId(table)));
	auto &checked = planner.Make<CheckedRows>(rows.types, table, std::move(constraints), folder, rows.estimated_cardinality);
	checked.children.push_back(rows);
	auto &result = PlanFiles(context, planner, table.ParentCatalog(), TableId(table), table.GetColumns(),
	                         LayoutOf(table.tags, table.GetColumns()), folder, op, checked);
	result.column_ids = ListColumns(context, table).ids;
	return result;
}

} // namespace

std::vector<string> ColumnNames(const ColumnList &columns) {
	std::vector<string> result;
	for (auto &column : columns.Physical()) {
		result.push_back(column.Name().GetIdentifierName());
	}
	return result;
}

string PartitionName(idx_t key) {
	return StringUtil::Format("%s%04d", PARTITION_PREFIX, key);
}

PhysicalOperator &PlanFileChange(ClientContext &context, PhysicalPlanGenerator &planner, DuckTableEntry &table,
                                 vector<unique_ptr<BoundConstraint>> constraints, vector<LogicalType> returned,
                                 Repetition repetition, const LogicalOperator &op, PhysicalOperator &changes) {
	auto &changed =
	    planner.Make<ChangedRows>(table.GetTypes(), std::move(returned), repetition, changes.estimated_cardinality);
	changed.children.push_back(changes);
	auto &result = PlanAppend(context, planner, table, std::move(constraints), op, changed);
	result.changed = changed.Cast<ChangedRows>();
	result.changed_files = ListFiles(context, table);
	return result;
}

PhysicalOperator &PlanFileInsert(ClientContext &context, PhysicalPlanGenerator &planner, LogicalInsert &op,
                                 PhysicalOperator &rows) {
	auto &table = op.table.Cast<DuckTableEntry>();
	auto &input = op.column_index_map.empty() ? rows : planner.ResolveDefaultsProjection(op, rows);
	if (!op.return_chunk) {
		return PlanAppend(context, planner, table, std::move(op.bound_constraints), op, input);
	}
	vector<unique_ptr<Expression>> changes;
	for (auto &type : input.types) {
		changes.push_back(make_uniq<BoundReferenceExpression>(type, changes.size()));
	}
	changes.push_back(make_uniq<BoundConstantExpression>(Value(LogicalType::ROW_TYPE)));
	changes.push_back(make_uniq<BoundConstantExpression>(Value::BOOLEAN(true)));
	return PlanFileChange(context, planner, table, std::move(op.bound_constraints), op.types, Repetition::SKIP, op,
	                      PlanProjection(planner, std::move(changes), input));
}

PhysicalOperator &PlanFileRewrite(ClientContext &context, PhysicalPlanGenerator &planner, DuckTableEntry &table,
                                  vector<unique_ptr<BoundConstraint>> constraints, FileReplacement replaced,
                                  unique_ptr<DefinitionChange> change, const LogicalOperator &op, PhysicalOperator &rows) {
	auto &result = PlanAppend(context, planner, table, std::move(constraints), op, rows);
	if (change) {
		result.column_ids = change->columns.ids;
	}
	result.alter = std::move(change);
	result.replaced_files = std::move(replaced.files);
	result.gives_way = replaced.gives_way;
	return result;
}

PhysicalOperator &PlanFileCreateTableAs(ClientContext &context, PhysicalPlanGenerator &planner, LogicalCreateTable &op,
                                        PhysicalOperator &rows) {
	auto &info = op.info->Base().Cast<CreateTableInfo>();
	auto id = TableId(info.tags);
	auto folder = StoredPath(context, TableFolder(context, op.schema.catalog, id));
	// A table that is created from a query has no constraints, whose operator would create the folder
	CreateFolder(context, folder);
	auto &result = PlanFiles(context, planner, op.schema.catalog, id, info.columns, LayoutOf(info.tags, info.columns), folder,
	                         op, rows);
	result.column_ids = FirstColumnIds(rows.types.size());
	result.schema = &op.schema;
	result.create = std::move(op.info);
	return result;
}

} // namespace duckling
