// Puts a scan of the files that a table has in the statement's transaction in the place of the scan of its empty entry.
//
// This happens right after binding, so that it needs no optimizer, and so that all optimizers see the files.

#include "read_plan.hpp"

#include "alter_plan.hpp"
#include "catalog_changes.hpp"
#include "change_plan.hpp"
#include "changed_rows.hpp"
#include "distributed_table.hpp"
#include "listed_files.hpp"
#include "stored_types.hpp"
#include "table_columns.hpp"
#include "table_snapshots.hpp"

#include "duckdb/common/multi_file/multi_file_reader.hpp"
#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb/function/function_binder.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_subquery_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/logical_operator_visitor.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_insert.hpp"
#include "duckdb/planner/operator/logical_merge_into.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"
#include "duckdb/planner/operator/logical_set_operation.hpp"
#include "duckdb/planner/planner_extension.hpp"

using namespace duckdb;

namespace duckling {

namespace {

class FileScans {
public:
	//! Of `files`, or of all files that tables have.
	FileScans(ClientContext &context_p, Binder &binder_p, optional_ptr<const std::vector<TableFile>> files_p = nullptr)
	    : context(context_p), binder(binder_p), files(files_p) {
	}

	void Replace(unique_ptr<LogicalOperator> &op) {
		if (!op) {
			return;
		}
		LogicalOperatorVisitor::EnumerateExpressions(
		    *op, [&](unique_ptr<Expression> *expression) { ReplaceInSubqueries(**expression); });
		if (op->type == LogicalOperatorType::LOGICAL_UPDATE && IsDistributed(op->Cast<LogicalUpdate>().table)) {
			ReadWholeRows(op->Cast<LogicalUpdate>());
		} else if (op->type == LogicalOperatorType::LOGICAL_MERGE_INTO &&
		           IsDistributed(op->Cast<LogicalMergeInto>().table)) {
			ReadWholeRows(op->Cast<LogicalMergeInto>());
		}
		for (auto &child : op->children) {
			Replace(child);
		}
		CheckCatalogChange(context, *op);
		RequireRebind(*op);
		if (PlanAlter(context, binder, op)) {
			for (auto &child : op->children) {
				Replace(child);
			}
			return;
		}
		if (op->type != LogicalOperatorType::LOGICAL_GET) {
			return;
		}
		auto &get = op->Cast<LogicalGet>();
		auto table = get.GetTable();
		if (table && IsDistributed(*table)) {
			auto scan = ScanFiles(get, *table);
			op = scan ? std::move(scan) : std::move(op);
		} else if (table && get.at_clause) {
			throw BinderException("Table \"%s\" is a native one: only distributed tables have snapshots, which AT can read",
			                      table->name.GetIdentifierName());
		}
	}

private:
	//! Files with the same columns
	struct FileGroup {
		ColumnIds ids;
		std::vector<string> names;
		std::vector<TableFile> files;
	};

	void ReplaceInSubqueries(Expression &expression) {
		if (expression.GetExpressionClass() == ExpressionClass::BOUND_SUBQUERY) {
			Replace(expression.Cast<BoundSubqueryExpression>().SubqueryMutable().plan);
		}
		ExpressionIterator::EnumerateChildren(expression, [&](Expression &child) { ReplaceInSubqueries(child); });
	}

	//! A plan names the files that it reads and writes, and so is good for one execution.
	void RequireRebind(LogicalOperator &op) {
		optional_ptr<TableCatalogEntry> table;
		switch (op.type) {
		case LogicalOperatorType::LOGICAL_GET:
			table = op.Cast<LogicalGet>().GetTable();
			break;
		case LogicalOperatorType::LOGICAL_INSERT:
			table = op.Cast<LogicalInsert>().table;
			break;
		case LogicalOperatorType::LOGICAL_MERGE_INTO:
			table = op.Cast<LogicalMergeInto>().table;
			break;
		case LogicalOperatorType::LOGICAL_DELETE:
			table = op.Cast<LogicalDelete>().table;
			break;
		case LogicalOperatorType::LOGICAL_UPDATE:
			table = op.Cast<LogicalUpdate>().table;
			break;
		case LogicalOperatorType::LOGICAL_DROP:
		case LogicalOperatorType::LOGICAL_CREATE_TABLE:
			// Its transaction has to know what it drops or replaces
			binder.GetStatementProperties().always_require_rebind = true;
			break;
		default:
			break;
		}
		if (table && IsDistributed(*table)) {
			binder.GetStatementProperties().always_require_rebind = true;
		}
	}

	unique_ptr<LogicalGet> BindFiles(const vector<Value> &paths) {
		vector<unique_ptr<ParsedExpression>> arguments;
		arguments.push_back(ConstantExpression::FromValue(Value::LIST(LogicalType::VARCHAR, paths)));
		arguments.push_back(ConstantExpression::Boolean(false));
		// As the parser names arguments
		arguments.back()->SetAlias(Identifier("hive_partitioning"));
		TableFunctionRef ref;
		ref.function = make_uniq<FunctionExpression>(Identifier("read_parquet"), std::move(arguments));
		auto scan_binder = Binder::CreateBinder(context, &binder);
		unique_ptr<LogicalOperator> plan;
		try {
			plan = scan_binder->Bind(static_cast<TableRef &>(ref)).plan;
		} catch (const std::exception &failure) {
			// The first file is opened, and not all errors name it
			ErrorData error(failure);
			auto &first = StringValue::Get(paths[0]);
			switch (error.Type()) {
			case ExceptionType::INTERRUPT:
			case ExceptionType::OUT_OF_MEMORY:
			case ExceptionType::FATAL:
			case ExceptionType::INTERNAL:
				throw;
			default:
				break;
			}
			if (StringUtil::Contains(error.RawMessage(), first)) {
				throw;
			}
			throw IOException("Cannot read the file \"%s\" of a distributed table: %s", first, error.RawMessage());
		}
		if (plan->type != LogicalOperatorType::LOGICAL_GET) {
			throw InternalException("read_parquet() is not bound as a scan");
		}
		return unique_ptr_cast<LogicalOperator, LogicalGet>(std::move(plan));
	}

	//! Column `column` of the files, which are scanned by `scan`.
	static unique_ptr<Expression> Column(LogicalGet &scan, column_t column, const LogicalType &type) {
		auto index = scan.AddColumnId(column);
		return make_uniq<BoundColumnRefExpression>(type, ColumnBinding(scan.table_index, index));
	}

	//! Tells rows of a table apart, and tells where they are: number of the file among `paths`, number of the row in it.
	unique_ptr<Expression> RowId(LogicalGet &scan, const Value &paths) {
		FunctionBinder functions(context);
		auto call = [&](const char *name, unique_ptr<Expression> left, unique_ptr<Expression> right) {
			vector<unique_ptr<Expression>> arguments;
			arguments.push_back(std::move(left));
			arguments.push_back(std::move(right));
			return functions.BindScalarFunction(DEFAULT_SCHEMA, name, std::move(arguments));
		};
		auto file = call("list_position", make_uniq<BoundConstantExpression>(paths),
		                 Column(scan, MultiFileReader::COLUMN_IDENTIFIER_FILENAME, LogicalType::VARCHAR));
		auto number = BoundCastExpression::AddCastToType(context, std::move(file), LogicalType::BIGINT);
		auto first = call("*", std::move(number), make_uniq<BoundConstantExpression>(Value::BIGINT(MAX_ROWS_OF_FILE)));
		return call("+", std::move(first),
		            Column(scan, MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER, LogicalType::BIGINT));
	}

	//! The value of a column in files that are older than the column.
	unique_ptr<Expression> InitialValue(const TableColumns &columns, int64_t id, const LogicalType &type) {
		auto packed = columns.initial_values.find(id);
		if (packed == columns.initial_values.end()) {
			return make_uniq<BoundConstantExpression>(Value(type));
		}
		return Unpack(context, make_uniq<BoundConstantExpression>(Value::BLOB_RAW(packed->second)), type);
	}

	unique_ptr<Expression> ColumnValue(LogicalGet &scan, TableCatalogEntry &table, const TableColumns &columns,
	                                   const FileGroup &group, column_t column) {
		if (IsVirtualColumn(column)) {
			throw NotImplementedException("Distributed table \"%s\" has no virtual column but rowid",
			                              table.name.GetIdentifierName());
		}
		auto &definition = table.GetColumn(LogicalIndex(column));
		auto id = columns.ids[definition.Physical().index];
		auto index = NumericCast<idx_t>(std::find(group.ids.begin(), group.ids.end(), id) - group.ids.begin());
		if (index == group.ids.size()) {
			return InitialValue(columns, id, definition.Type());
		}
		auto stored = StoredType(definition.Type());
		if (index >= scan.names.size() || scan.returned_types[index] != stored) {
			throw IOException("Files of table \"%s\" have no column \"%s\" %s in place %d: they were not written by this "
			                  "server, or have been changed",
			                  table.name.GetIdentifierName(), definition.Name().GetIdentifierName(), stored.ToString(),
			                  index + 1);
		}
		return Decode(context, Column(scan, index, stored), definition.Type());
	}

	//! Have `scan` use what the list tells of the files.
	void UseList(LogicalGet &scan, TableCatalogEntry &table, const TableColumns &columns, const FileGroup &group) {
		auto told = std::make_shared<FileColumns>();
		told->names = group.names;
		told->types = scan.returned_types;
		for (auto key : LayoutOf(table.tags, table.GetColumns()).partition_keys) {
			auto id = columns.ids[key.column.index];
			key.column = PhysicalIndex(NumericCast<idx_t>(std::find(group.ids.begin(), group.ids.end(), id) - group.ids.begin()));
			told->partition_keys.push_back(key);
		}
		scan.bind_data->Cast<MultiFileBindData>().file_list =
		    make_shared_ptr<ListedFiles>(*context.db, std::move(told), group.files);
	}

	unique_ptr<LogicalOperator> ScanGroup(LogicalGet &get, TableCatalogEntry &table, const TableColumns &columns,
	                                      const FileGroup &group, const Value &paths, TableIndex table_index) {
		vector<Value> group_paths;
		for (auto &file : group.files) {
			group_paths.emplace_back(StoredPath(context, file.path));
		}
		auto scan = BindFiles(group_paths);
		UseList(*scan, table, columns, group);
		vector<unique_ptr<Expression>> expressions;
		for (auto &column_id : get.GetColumnIds()) {
			auto column = column_id.GetPrimaryIndex();
			expressions.push_back(column == COLUMN_IDENTIFIER_ROW_ID ? RowId(*scan, paths)
			                                                         : ColumnValue(*scan, table, columns, group, column));
		}
		if (expressions.empty()) {
			// Rows are counted, or columns added later by whoever reads the projection's first one
			expressions.push_back(make_uniq<BoundConstantExpression>(Value::BOOLEAN(true)));
		}
		auto is_plain = [](const unique_ptr<Expression> &expression) {
			return expression->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF;
		};
		if (std::all_of(expressions.begin(), expressions.end(), is_plain) &&
		    scan->GetColumnIds().size() == expressions.size()) {
			scan->table_index = table_index;
			return std::move(scan);
		}
		auto result = make_uniq<LogicalProjection>(table_index, std::move(expressions));
		result->children.push_back(std::move(scan));
		return std::move(result);
	}

	std::vector<TableFile> FilesOf(const LogicalGet &get, TableCatalogEntry &table) {
		if (files) {
			return *files;
		}
		return get.at_clause ? FilesAt(context, table, *get.at_clause) : ListFiles(context, table);
	}

	unique_ptr<LogicalOperator> ScanFiles(LogicalGet &get, TableCatalogEntry &table) {
		vector<Value> paths;
		vector<FileGroup> groups;
		for (auto &file : FilesOf(get, table)) {
			paths.emplace_back(StoredPath(context, file.path));
			auto group = std::find_if(groups.begin(), groups.end(), [&](const FileGroup &group) {
				return group.ids == file.column_ids && group.names == file.column_names;
			});
			if (group == groups.end()) {
				groups.push_back({file.column_ids, file.column_names, {}});
				group = groups.end() - 1;
			}
			group->files.push_back(file);
		}
		if (groups.empty()) {
			// The entry has no rows either
			return nullptr;
		}
		auto columns = ListColumns(context, table);
		auto all_paths = Value::LIST(LogicalType::VARCHAR, std::move(paths));
		if (groups.size() == 1) {
			return ScanGroup(get, table, columns, groups[0], all_paths, get.table_index);
		}
		vector<unique_ptr<LogicalOperator>> scans;
		for (auto &group : groups) {
			scans.push_back(ScanGroup(get, table, columns, group, all_paths, binder.GenerateTableIndex()));
		}
		auto column_count = std::max<idx_t>(get.GetColumnIds().size(), 1);
		return make_uniq<LogicalSetOperation>(get.table_index, column_count, std::move(scans),
		                                      LogicalOperatorType::LOGICAL_UNION, true, false);
	}

	ClientContext &context;
	Binder &binder;
	optional_ptr<const std::vector<TableFile>> files;
};

void ReadFiles(PlannerExtensionInput &input, BoundStatement &statement) {
	FileScans(input.context, input.binder).Replace(statement.plan);
}

} // namespace

void ScanSomeFiles(ClientContext &context, Binder &binder, const std::vector<TableFile> &files,
                   unique_ptr<LogicalOperator> &plan) {
	FileScans(context, binder, files).Replace(plan);
}

void RegisterReadPlans(DBConfig &config) {
	PlannerExtension extension;
	extension.post_bind_function = ReadFiles;
	PlannerExtension::Register(config, std::move(extension));
}

} // namespace duckling
