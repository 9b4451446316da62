// Looks at conditions as DuckDB does for row groups, with the statistics of files in the place of those of row groups.

#include "listed_files.hpp"

#include "distributed_table.hpp"
#include "duckling_catalog.hpp"
#include "durable_files.hpp"

#include "duckdb/common/file_system.hpp"
#include "duckdb/common/multi_file/multi_file_reader.hpp"
#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_comparison_expression.hpp"
#include "duckdb/planner/expression/bound_conjunction_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"
#include "duckdb/planner/expression/bound_operator_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/filter/expression_filter.hpp"
#include "duckdb/planner/table_filter_set.hpp"
#include "duckdb/storage/statistics/numeric_stats.hpp"
#include "duckdb/storage/statistics/string_stats.hpp"

#include <algorithm>
#include <map>

using namespace duckdb;

namespace duckling {

namespace {

//! So many objects are asked for one by one; of more, a listing of their folder tells a thousand at once
constexpr idx_t FEW_OBJECTS = 16;

//! What the list tells of one column
class ToldStatistics {
public:
	ToldStatistics(const TableFile &file_p, const string &column_p) : file(file_p), column(column_p) {
	}
	optional<string> Get(const char *name) const {
		return StatisticOf(file.column_statistics, column, name);
	}
	bool Is(const char *name, const char *value) const {
		auto told = Get(name);
		return told && *told == value;
	}
	StringStatsType Exactness(const char *name) const {
		return Is(name, "true") ? StringStatsType::EXACT_STATS : StringStatsType::TRUNCATED_STATS;
	}

private:
	const TableFile &file;
	const string &column;
};

void SetBounds(BaseStatistics &statistics, const ToldStatistics &told) {
	auto least = told.Get("min"), greatest = told.Get("max");
	if (!least || !greatest) {
		return;
	}
	auto &type = statistics.GetType();
	if (type.id() == LogicalTypeId::VARCHAR) {
		StringStats::SetMin(statistics, string_t(*least), told.Exactness("min_is_exact"));
		StringStats::SetMax(statistics, string_t(*greatest), told.Exactness("max_is_exact"));
		return;
	}
	// NaN is the greatest value, and none of the bounds
	auto may_have_nan = (type.id() == LogicalTypeId::FLOAT || type.id() == LogicalTypeId::DOUBLE) && !told.Is("has_nan", "false");
	if (BaseStatistics::GetStatsType(type) != StatisticsType::NUMERIC_STATS || may_have_nan) {
		return;
	}
	auto min = Value(*least).DefaultTryCastAs(type), max = Value(*greatest).DefaultTryCastAs(type);
	if (min && max) {
		NumericStats::SetMin(statistics, *min);
		NumericStats::SetMax(statistics, *max);
	}
}

BaseStatistics StatisticsOf(const TableFile &file, const string &column, const LogicalType &type) {
	auto result = BaseStatistics::CreateUnknown(type);
	if (type.IsNested()) {
		return result;
	}
	ToldStatistics told(file, column);
	auto nulls = told.Get("null_count");
	if (nulls && *nulls == "0") {
		result.Set(StatsInfo::CANNOT_HAVE_NULL_VALUES);
	} else if (nulls && *nulls == std::to_string(file.row_count)) {
		result.Set(StatsInfo::CANNOT_HAVE_VALID_VALUES);
	}
	SetBounds(result, told);
	return result;
}

bool IsReference(const Expression &expression, idx_t column) {
	return expression.GetExpressionClass() == ExpressionClass::BOUND_REF &&
	       expression.Cast<BoundReferenceExpression>().Index() == column;
}

//! Take `values` for those that a column may have where a condition holds, if it tells them all.
bool TellsValues(const Expression &condition, idx_t column, vector<Value> &values) {
	auto add = [&](const Expression &value) {
		if (value.GetExpressionClass() != ExpressionClass::BOUND_CONSTANT) {
			return false;
		}
		values.push_back(value.Cast<BoundConstantExpression>().GetValue());
		return true;
	};
	auto type = condition.GetExpressionType();
	if (type == ExpressionType::COMPARE_EQUAL) {
		auto &sides = condition.Cast<BoundFunctionExpression>().GetChildren();
		return IsReference(*sides[0], column) ? add(*sides[1]) : IsReference(*sides[1], column) && add(*sides[0]);
	}
	if (type == ExpressionType::COMPARE_IN) {
		auto &operands = condition.Cast<BoundOperatorExpression>().GetChildren();
		return IsReference(*operands[0], column) && std::all_of(operands.begin() + 1, operands.end(), [&](auto &value) {
			       return add(*value);
		       });
	}
	return false;
}

//! The buckets of rows that fulfil `conditions`; nothing if they may be in any. Other keys are told by statistics.
optional<std::set<string>> BucketsOf(ClientContext &context, const vector<unique_ptr<Expression>> &conditions,
                                     const PartitionKey &key) {
	if (!key.bucket_count.IsValid()) {
		return {};
	}
	for (auto &condition : conditions) {
		vector<Value> values;
		if (!TellsValues(*condition, key.column.index, values)) {
			continue;
		}
		std::set<string> result;
		for (auto &value : values) {
			auto bucket = PartitionValue(context, key, make_uniq<BoundConstantExpression>(value));
			result.insert(ExpressionExecutor::EvaluateScalar(context, *bucket).ToString());
		}
		return result;
	}
	return {};
}

//! `filter` on the columns of the files; NULL if it is on anything else.
unique_ptr<Expression> OnFileColumns(const Expression &filter, const MultiFilePushdownInfo &info) {
	auto result = filter.Copy();
	bool is_possible = true;
	ExpressionIterator::VisitExpressionMutable<BoundColumnRefExpression>(
	    result, [&](BoundColumnRefExpression &column, unique_ptr<Expression> &expression) {
		    auto binding = column.Binding();
		    auto index = binding.column_index.GetIndex();
		    if (column.Depth() != 0 || binding.table_index != info.table_index || index >= info.column_indexes.size()) {
			    is_possible = false;
			    return;
		    }
		    auto &of_scan = info.column_indexes[index];
		    if (of_scan.IsVirtualColumn() || of_scan.IsPushdownExtract() || of_scan.HasType()) {
			    is_possible = false;
			    return;
		    }
		    expression = make_uniq<BoundReferenceExpression>(column.GetReturnType(), of_scan.GetPrimaryIndex());
	    });
	return is_possible ? std::move(result) : nullptr;
}

std::set<idx_t> ColumnsIn(const vector<unique_ptr<Expression>> &conditions) {
	std::set<idx_t> result;
	for (auto &condition : conditions) {
		ExpressionIterator::VisitExpression<BoundReferenceExpression>(
		    *condition, [&](const BoundReferenceExpression &reference) { result.insert(reference.Index()); });
	}
	return result;
}

vector<OpenFileInfo> PathsOf(DatabaseInstance &instance, const std::vector<TableFile> &files) {
	vector<OpenFileInfo> result;
	auto root = StorageRoot(instance) + "/";
	for (auto &file : files) {
		result.emplace_back(root + file.path);
	}
	return result;
}

} // namespace

ListedFiles::ListedFiles(DatabaseInstance &instance_p, std::shared_ptr<const FileColumns> columns_p,
                         std::vector<TableFile> files_p)
    : SimpleMultiFileList(PathsOf(instance_p, files_p)), instance(instance_p), columns(std::move(columns_p)),
      files(std::move(files_p)), checked(files.size(), false) {
}

std::vector<BaseStatistics> ListedFiles::Statistics(const TableFile &file, const std::set<idx_t> &used) const {
	std::vector<BaseStatistics> result;
	for (idx_t column = 0; column < columns->types.size(); column++) {
		auto &type = columns->types[column];
		result.push_back(used.count(column) ? StatisticsOf(file, columns->names[column], type)
		                                    : BaseStatistics::CreateUnknown(type));
	}
	return result;
}

std::vector<TableFile> ListedFiles::Matching(ClientContext &context, const Conditions &conditions) const {
	auto used = ColumnsIn(conditions);
	std::vector<optional<std::set<string>>> buckets;
	for (auto &key : columns->partition_keys) {
		buckets.push_back(BucketsOf(context, conditions, key));
	}
	std::vector<TableFile> result;
	for (auto &file : files) {
		auto is_elsewhere = [&](idx_t key) {
			return buckets[key] && key < file.partition_values.size() && !buckets[key]->count(file.partition_values[key]);
		};
		bool matches = true;
		for (idx_t key = 0; key < buckets.size(); key++) {
			matches = matches && !is_elsewhere(key);
		}
		auto statistics = Statistics(file, used);
		for (auto &condition : conditions) {
			auto outcome = ExpressionFilter::CheckExpressionStatistics(&context, *condition, {statistics.data(), statistics.size()});
			matches = matches && outcome != FilterPropagateResult::FILTER_ALWAYS_FALSE &&
			          outcome != FilterPropagateResult::FILTER_FALSE_OR_NULL;
		}
		if (matches) {
			result.push_back(file);
		}
	}
	return result;
}

unique_ptr<MultiFileList> ListedFiles::ComplexFilterPushdown(ClientContext &context, const MultiFileOptions &,
                                                             MultiFilePushdownInfo &info,
                                                             vector<unique_ptr<Expression>> &filters) const {
	Conditions conditions;
	string texts;
	for (auto &filter : filters) {
		auto condition = OnFileColumns(*filter, info);
		if (condition) {
			conditions.push_back(std::move(condition));
			texts += (texts.empty() ? "" : " AND ") + filter->ToString();
		}
	}
	if (conditions.empty()) {
		return nullptr;
	}
	auto matching = Matching(context, conditions);
	// For EXPLAIN. The filters stay where they are, so there is nothing that the files stand for
	auto &shown = info.extra_info;
	if (!shown.total_files.IsValid()) {
		shown.total_files = files.size();
	}
	shown.filtered_files = matching.size();
	shown.file_filters = texts;
	shown.file_filter_expressions = vector<unique_ptr<Expression>>();
	if (matching.size() == files.size()) {
		return nullptr;
	}
	return make_uniq<ListedFiles>(instance, columns, std::move(matching));
}

unique_ptr<MultiFileList> ListedFiles::DynamicFilterPushdown(MultiFileDynamicPushdownInfo &info) const {
	Conditions conditions;
	for (auto &entry : info.filters) {
		auto &of_scan = info.column_indexes[entry.GetIndex()];
		if (of_scan.IsVirtualColumn() || of_scan.IsPushdownExtract() || of_scan.HasType()) {
			continue;
		}
		auto column = of_scan.GetPrimaryIndex();
		BoundReferenceExpression reference(info.column_types[column], column);
		auto &filter = ExpressionFilter::GetExpressionFilter(entry.Filter(), "ListedFiles");
		conditions.push_back(filter.ToExpression(reference));
	}
	auto matching = Matching(info.context, conditions);
	if (matching.size() == files.size()) {
		return nullptr;
	}
	return make_uniq<ListedFiles>(instance, columns, std::move(matching));
}

vector<OpenFileInfo> ListedFiles::GetAllFiles() const {
	for (idx_t i = 0; i < files.size(); i++) {
		CheckFile(i);
	}
	return SimpleMultiFileList::GetAllFiles();
}

OpenFileInfo ListedFiles::GetFile(idx_t i) const {
	if (i < files.size()) {
		CheckFile(i);
	}
	return SimpleMultiFileList::GetFile(i);
}

unique_ptr<NodeStatistics> ListedFiles::GetCardinality(ClientContext &) const {
	idx_t rows = 0;
	for (auto &file : files) {
		rows += file.row_count;
	}
	return make_uniq<NodeStatistics>(rows, rows);
}

unique_ptr<MultiFileList> ListedFiles::Copy() const {
	return make_uniq<ListedFiles>(instance, columns, files);
}

void ListedFiles::CheckFile(idx_t i) const {
	lock_guard<mutex> guard(lock);
	if (checked[i]) {
		return;
	}
	auto &path = paths[i].path;
	if (!FileSystem::IsRemoteFile(path)) {
		CheckContents(i, LocalFileVersion(path));
	} else if (files.size() <= FEW_OBJECTS) {
		auto &fs = FileSystem::GetFileSystem(instance);
		CheckContents(i, fs.GetVersionTag(*fs.OpenFile(path, FileFlags::FILE_FLAGS_READ)));
	} else {
		CheckListedObjects();
	}
}

void ListedFiles::CheckListedObjects() const {
	std::set<string> folders;
	std::map<string, string> versions;
	for (idx_t i = 0; i < files.size(); i++) {
		auto &path = paths[i].path;
		auto folder = path.substr(0, path.rfind('/') + 1);
		if (folders.insert(folder).second) {
			FileSystem::GetFileSystem(instance).ListFiles(folder, [&](OpenFileInfo &info) {
				string version;
				if (info.extended_info && info.extended_info->TryGetOption("etag", version)) {
					versions[folder + info.path] = version;
				}
			});
		}
		CheckContents(i, versions[path]);
	}
}

void ListedFiles::CheckContents(idx_t i, const string &version) const {
	auto &file = files[i];
	auto &path = paths[i].path;
	auto &verified = TableStorage::Get(DBConfig::GetConfig(instance)).verified;
	if ((version.empty() || version != file.file_version) && !verified.Has(path, version)) {
		auto handle = FileSystem::GetFileSystem(instance).OpenFile(path, FileFlags::FILE_FLAGS_READ);
		auto size = NumericCast<idx_t>(handle->GetFileSize());
		if (size != file.file_size_bytes) {
			throw IOException("The file \"%s\" of a distributed table has %d bytes in the place of %d: it has been changed", path,
			                  size, file.file_size_bytes);
		}
		if (Checksum(*handle) != file.checksum) {
			throw IOException("The file \"%s\" of a distributed table is damaged: its checksum is not the one that is listed", path);
		}
		verified.Add(path, version);
	}
	checked[i] = true;
}

} // namespace duckling
