// Scans of files that every duckling reaches, and how tasks divide them.
//
// A task names its files by the virtual column `filename`, and parts of a file by `file_row_number`: DuckDB opens no other file and
// decodes no other row group. The files that the scan was given stay in its arguments, so that every task reads the schema from
// the same file as the driver has.

#include "file_scans.hpp"

#include "tables/listed_files.hpp"

#include "duckdb/common/file_system.hpp"
#include "duckdb/common/multi_file/multi_file_reader.hpp"
#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb/main/connection.hpp"
#include "duckdb/parser/expression/between_expression.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/comparison_expression.hpp"
#include "duckdb/parser/expression/conjunction_expression.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/expression/operator_expression.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! Files of a scan that are few enough to look into each of them for its number of rows.
constexpr idx_t MAX_INSPECTED_FILES = 256;

//! Rows of one file, both ends included.
struct Piece {
	string path;
	bool is_whole;
	idx_t first_row;
	idx_t last_row;
};

const MultiFileBindData *FilesOf(const LogicalGet &get) {
	return dynamic_cast<const MultiFileBindData *>(get.bind_data.get());
}

//! Whether each of its files may be looked into for its number of rows.
bool IsInspectable(const LogicalGet &get) {
	auto &name = get.function.GetName();
	return (name == Identifier("read_parquet") || name == Identifier("parquet_scan")) &&
	       FilesOf(get)->file_list->GetTotalFileCount() <= MAX_INSPECTED_FILES;
}

//! Every process has its own working directory.
string Absolute(ClientContext &context, const string &path) {
	auto &fs = FileSystem::GetFileSystem(context);
	if (FileSystem::IsRemoteFile(path) || path.find("://") != string::npos || fs.IsPathAbsolute(path)) {
		return path;
	}
	return fs.JoinPath(FileSystem::GetWorkingDirectory(), path);
}

Value AbsoluteArgument(ClientContext &context, const Value &argument) {
	if (argument.type().id() == LogicalTypeId::VARCHAR && !argument.IsNull()) {
		return Value(Absolute(context, StringValue::Get(argument)));
	}
	if (argument.type().id() == LogicalTypeId::LIST && !argument.IsNull()) {
		vector<Value> paths;
		for (auto &path : ListValue::GetChildren(argument)) {
			paths.push_back(AbsoluteArgument(context, path));
		}
		return Value::LIST(ListType::GetChildType(argument.type()), std::move(paths));
	}
	return argument;
}

//! The SELECT of `node` that reads the table function itself.
SelectNode &SelectOfFunction(QueryNode &node) {
	auto &select = node.Cast<SelectNode>();
	if (select.from_table->type == TableReferenceType::SUBQUERY) {
		return SelectOfFunction(*select.from_table->Cast<SubqueryRef>().subquery->node);
	}
	if (select.from_table->type != TableReferenceType::TABLE_FUNCTION) {
		throw NotImplementedException("a scan of files that is no call of a table function");
	}
	return select;
}

unique_ptr<QueryNode> WithAbsolutePaths(ClientContext &context, const LogicalGet &get, const QueryNode &query) {
	auto result = query.Copy();
	auto &function = SelectOfFunction(*result).from_table->Cast<TableFunctionRef>().function->Cast<FunctionExpression>();
	auto &argument = function.GetArgumentsMutable()[0];
	argument.GetExpressionMutable() = ConstantExpression::FromValue(AbsoluteArgument(context, get.parameters[0]));
	return result;
}

void AddCondition(unique_ptr<ParsedExpression> &where, unique_ptr<ParsedExpression> condition) {
	where = where ? make_uniq<ConjunctionExpression>(ExpressionType::CONJUNCTION_AND, std::move(where),
	                                                 std::move(condition))
	              : std::move(condition);
}

//! `query` for these files, or for these rows of one of them.
string ReadPieces(const QueryNode &query, const vector<reference<const Piece>> &pieces) {
	auto copy = query.Copy();
	auto &select = SelectOfFunction(*copy);
	auto column = [&](const char *name) {
		return make_uniq<ColumnRefExpression>(Identifier(name), select.from_table->alias);
	};
	auto in = make_uniq<OperatorExpression>(ExpressionType::COMPARE_IN);
	in->GetChildrenMutable().push_back(column("filename"));
	for (auto &piece : pieces) {
		in->GetChildrenMutable().push_back(ConstantExpression::FromValue(Value(piece.get().path)));
	}
	AddCondition(select.where_clause, std::move(in));
	auto &first = pieces[0].get();
	if (!first.is_whole) {
		auto bound = [](idx_t row) {
			return ConstantExpression::FromValue(Value::BIGINT(NumericCast<int64_t>(row)));
		};
		AddCondition(select.where_clause,
		             make_uniq<BetweenExpression>(column("file_row_number"), bound(first.first_row), bound(first.last_row)));
	}
	return copy->ToString();
}

string ReadAll(const QueryNode &query, const vector<Piece> &pieces) {
	if (pieces.empty()) {
		auto copy = query.Copy();
		AddCondition(SelectOfFunction(*copy).where_clause, ConstantExpression::FromValue(Value::BOOLEAN(false)));
		return copy->ToString();
	}
	string result;
	auto add = [&](const vector<reference<const Piece>> &some) {
		result += (result.empty() ? "(" : " UNION ALL (") + ReadPieces(query, some) + ")";
	};
	vector<reference<const Piece>> whole;
	for (auto &piece : pieces) {
		if (piece.is_whole) {
			whole.push_back(piece);
		} else {
			add({piece});
		}
	}
	if (!whole.empty()) {
		add(whole);
	}
	return result;
}

vector<string> PathsOf(ClientContext &context, const LogicalGet &get) {
	vector<string> paths;
	for (auto &file : FilesOf(get)->file_list->GetAllFiles()) {
		paths.push_back(Absolute(context, file.path));
	}
	return paths;
}

vector<FileSize> InspectFiles(ClientContext &context, vector<Value> paths) {
	Connection connection(*context.db);
	auto result = connection.Query("SELECT file_name, num_rows::UBIGINT, num_row_groups::UBIGINT FROM parquet_file_metadata(" +
	                               Value::LIST(LogicalType::VARCHAR, std::move(paths)).ToSQLString() + ")");
	if (result->HasError()) {
		result->ThrowError();
	}
	vector<FileSize> sizes;
	for (auto &row : *result) {
		sizes.push_back({row.GetValue<string>(0), row.GetValue<uint64_t>(1), row.GetValue<uint64_t>(2)});
	}
	return sizes;
}

//! Give each task as many rows as the others, of consecutive row groups if there are enough.
FileSplit SplitByRows(const QueryNode &query, const vector<FileSize> &files, idx_t tasks) {
	idx_t rows = 0, row_groups = 0;
	for (auto &file : files) {
		rows += file.rows;
		row_groups += file.row_groups;
	}
	FileSplit result;
	result.by_row_groups = row_groups >= tasks;
	vector<vector<Piece>> pieces(tasks);
	idx_t before = 0;
	for (auto &file : files) {
		if (file.rows == 0) {
			continue;
		}
		auto unit = result.by_row_groups && file.row_groups ? (file.rows + file.row_groups - 1) / file.row_groups
		                                                   : idx_t(STANDARD_VECTOR_SIZE);
		//! The first row in this file that belongs to the task
		auto begin_of = [&](idx_t task) -> idx_t {
			auto row = task == tasks ? rows : idx_t((hugeint_t(rows) * hugeint_t(task) / hugeint_t(tasks)).lower);
			if (row <= before) {
				return 0;
			}
			auto within = (row - before + unit / 2) / unit * unit;
			return task == tasks ? file.rows : MinValue(within, file.rows);
		};
		for (idx_t task = 0; task < tasks; task++) {
			auto begin = begin_of(task), end = begin_of(task + 1);
			if (begin < end) {
				pieces[task].push_back({file.path, begin == 0 && end == file.rows, begin, end - 1});
			}
		}
		before += file.rows;
	}
	for (auto &of_task : pieces) {
		result.sql.push_back(ReadAll(query, of_task));
	}
	return result;
}

FileSplit SplitByFiles(const QueryNode &query, const vector<string> &paths, idx_t tasks) {
	FileSplit result;
	result.by_row_groups = true;
	vector<vector<Piece>> pieces(tasks);
	for (idx_t i = 0; i < paths.size(); i++) {
		pieces[i % tasks].push_back({paths[i], true, 0, 0});
	}
	for (auto &of_task : pieces) {
		result.sql.push_back(ReadAll(query, of_task));
	}
	return result;
}

//! The key of a table's layout that has buckets enough for all tasks, by number; nothing if there is none.
optional_idx BucketKey(const LogicalGet &get, idx_t tasks) {
	auto files = FilesOf(get);
	auto listed = files ? dynamic_cast<const ListedFiles *>(files->file_list.get()) : nullptr;
	if (!listed) {
		return {};
	}
	auto &keys = listed->Columns().partition_keys;
	for (idx_t key = 0; key < keys.size(); key++) {
		if (keys[key].bucket_count.IsValid() && keys[key].bucket_count.GetIndex() >= tasks) {
			return key;
		}
	}
	return {};
}

//! Bucket b belongs to task b modulo their number, in the files of each table.
FileSplit SplitByBuckets(const QueryNode &query, const ListedFiles &files, const vector<string> &paths, idx_t key,
                         idx_t tasks) {
	FileSplit result;
	result.by_row_groups = true;
	vector<vector<Piece>> pieces(tasks);
	for (idx_t i = 0; i < paths.size(); i++) {
		auto bucket = Value(files.Files()[i].partition_values[key]).DefaultTryCastAs(LogicalType::UBIGINT);
		// NULL has no bucket
		auto task = bucket ? UBigIntValue::Get(*bucket) % tasks : 0;
		pieces[task].push_back({paths[i], true, 0, 0});
	}
	for (auto &of_task : pieces) {
		result.sql.push_back(ReadAll(query, of_task));
	}
	return result;
}

} // namespace

optional<FileBuckets> BucketsOf(const LogicalGet &get, idx_t tasks) {
	auto key = BucketKey(get, tasks);
	if (!key.IsValid()) {
		return {};
	}
	auto &of_files = FilesOf(get)->file_list->Cast<ListedFiles>().Columns().partition_keys[key.GetIndex()];
	auto &columns = get.GetColumnIds();
	for (idx_t i = 0; i < columns.size(); i++) {
		if (!columns[i].IsVirtualColumn() && columns[i].GetPrimaryIndex() == of_files.column.index) {
			return FileBuckets {ColumnBinding(get.table_index, ProjectionIndex(i)), of_files.bucket_count.GetIndex()};
		}
	}
	return {};
}

bool IsFileScan(const LogicalGet &get) {
	static const char *const READERS[] = {"read_parquet",  "parquet_scan",     "read_csv",    "read_csv_auto",
	                                      "read_json",     "read_json_auto",   "read_ndjson", "read_ndjson_auto"};
	// Most scans are of tables
	auto files = FilesOf(get);
	if (!files) {
		return false;
	}
	auto &name = get.function.GetName();
	bool known = false;
	for (auto reader : READERS) {
		known = known || name == Identifier(reader);
	}
	if (!known || !get.children.empty() || get.ordinality_idx.IsValid() || get.extra_info.sample_options ||
	    get.parameters.size() != 1 || files->file_options.union_by_name) {
		return false;
	}
	// A column of the query that tells where a row comes from, or its place there, would tell of the task
	for (auto &column : get.GetColumnIds()) {
		if (column.IsVirtualColumn() && !column.IsEmptyColumn()) {
			return false;
		}
	}
	return !files->file_options.filename;
}

FileScans::FileScans(ClientContext &context_p) : context(context_p) {
}

idx_t FileScans::Rows(LogicalGet &get) {
	auto known = rows.find(&get);
	if (known != rows.end()) {
		return known->second;
	}
	auto result = get.EstimateSourceCardinality(context);
	if (result == 0 && IsInspectable(get)) {
		// DuckDB takes the first file for an example, and that one is empty
		for (auto &file : Sizes(get)) {
			result += file.rows;
		}
	}
	rows.emplace(&get, result);
	return result;
}

idx_t FileScans::RowsBelow(LogicalOperator &op) {
	if (op.type == LogicalOperatorType::LOGICAL_GET && IsFileScan(op.Cast<LogicalGet>())) {
		return Rows(op.Cast<LogicalGet>());
	}
	idx_t result = 0;
	for (auto &child : op.children) {
		result += RowsBelow(*child);
	}
	return result;
}

vector<FileSize> FileScans::Sizes(const LogicalGet &get) {
	auto paths = PathsOf(context, get);
	vector<Value> unknown;
	for (auto &path : paths) {
		if (sizes.find(path) == sizes.end()) {
			unknown.emplace_back(path);
		}
	}
	if (!unknown.empty()) {
		for (auto &size : InspectFiles(context, std::move(unknown))) {
			sizes.emplace(size.path, size);
		}
	}
	vector<FileSize> in_order;
	for (auto &path : paths) {
		in_order.push_back(sizes.at(path));
	}
	return in_order;
}

const FileSplit &FileScans::Split(const LogicalGet &get, const QueryNode &query, idx_t tasks) {
	auto known = splits.find(&get);
	if (known != splits.end()) {
		return known->second;
	}
	auto with_paths = WithAbsolutePaths(context, get, query);
	if (BucketsOf(get, tasks)) {
		auto split = SplitByBuckets(*with_paths, FilesOf(get)->file_list->Cast<ListedFiles>(), PathsOf(context, get),
		                            BucketKey(get, tasks).GetIndex(), tasks);
		return splits.emplace(&get, std::move(split)).first->second;
	}
	auto split = IsInspectable(get) ? SplitByRows(*with_paths, Sizes(get), tasks)
	                                : SplitByFiles(*with_paths, PathsOf(context, get), tasks);
	return splits.emplace(&get, std::move(split)).first->second;
}

string WholeFileScan(ClientContext &context, const LogicalGet &get, const QueryNode &query) {
	return WithAbsolutePaths(context, get, query)->ToString();
}

} // namespace duckling
