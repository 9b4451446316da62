// Scan of a remote table that takes part in a statement of the client.

#include "table_scan.hpp"

#include "catalog.hpp"
#include "filter_pushdown.hpp"
#include "join_keys.hpp"
#include "relation_entry.hpp"
#include "remote_stream.hpp"
#include "scan_state.hpp"
#include "server_names.hpp"

#include "duckdb/execution/operator/scan/physical_table_scan.hpp"
#include "duckdb/parser/keyword_helper.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/filter/expression_filter.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/tableref/bound_at_clause.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

struct TableScanData : public RemoteScanData {
	explicit TableScanData(RemoteTable &table_p)
	    : RemoteScanData(table_p.catalog.Cast<RemoteCatalog>()), table(table_p) {
	}

	string ExplainedSql(ClientContext &context, const PhysicalTableScan &scan) override;

	RemoteTable &table;
	//! The clause that names a snapshot, if it is not of the present
	string at;
	//! As an EXPLAIN shows it
	string explained_sql;
	//! Conditions on the table's columns, as SQL
	vector<string> conditions;
	//! What joins will know of columns before the scan begins
	vector<std::pair<column_t, shared_ptr<JoinKeys>>> join_keys;
};

} // namespace

static string Quote(const Identifier &name) {
	return KeywordHelper::WriteQuoted(name.GetIdentifierName(), '"');
}

static string ColumnSql(const RemoteTable &table, column_t id) {
	if (id == COLUMN_IDENTIFIER_EMPTY) {
		return "NULL::BOOLEAN";
	}
	if (IsVirtualColumn(id)) {
		return "rowid";
	}
	return Quote(table.GetColumns().GetColumn(LogicalIndex(id)).Name());
}

static LogicalType ColumnType(const RemoteTable &table, column_t id) {
	if (IsVirtualColumn(id)) {
		return id == COLUMN_IDENTIFIER_EMPTY ? LogicalType::BOOLEAN : LogicalType::ROW_TYPE;
	}
	return table.GetColumns().GetColumn(LogicalIndex(id)).Type();
}

static optional_ptr<const ColumnDefinition> StoredColumn(const RemoteTable &table, column_t id) {
	return IsVirtualColumn(id) ? nullptr : &table.GetColumns().GetColumn(LogicalIndex(id));
}

static void AddConditions(ClientContext &context, const Expression &filter, const ColumnDefinition &column,
                          vector<string> &conditions) {
	auto optional = ExpressionFilter::GetOptionalFilterChild(filter);
	if (optional) {
		AddConditions(context, *optional, column, conditions);
		return;
	}
	if (filter.GetExpressionType() == ExpressionType::CONJUNCTION_AND) {
		ExpressionIterator::EnumerateChildren(
		    filter, [&](const Expression &child) { AddConditions(context, child, column, conditions); });
		return;
	}
	auto condition = FilterToSql(context, filter, [&](ColumnBinding) { return &column; });
	if (!condition.empty()) {
		conditions.push_back("(" + condition + ")");
	}
}

//! Conditions that were found while the statement runs. None is needed for the right answer: what they let through is
//! compared once more.
static void AddRuntimeConditions(ClientContext &context, const TableScanData &data, const TableFunctionInitInput &input,
                                 vector<string> &conditions) {
	std::set<column_t> filtered;
	for (auto &entry : data.join_keys) {
		auto condition = entry.second->Condition(ColumnSql(data.table, entry.first), data.table.EstimatedRows());
		if (!condition.empty()) {
			filtered.insert(entry.first);
			conditions.push_back(std::move(condition));
		}
	}
	if (!input.filters) {
		return;
	}
	for (const auto &entry : *input.filters) {
		auto id = input.column_ids[entry.GetIndex()];
		auto column = StoredColumn(data.table, id);
		if (column && filtered.count(id) == 0) {
			BoundColumnRefExpression reference(column->Type(), ColumnBinding());
			AddConditions(context, *entry.Filter().ToExpression(reference), *column, conditions);
		}
	}
}

static string ScanSql(ClientContext &context, const TableScanData &data, const TableFunctionInitInput &input) {
	vector<string> columns;
	for (auto id : input.column_ids) {
		columns.push_back(ColumnSql(data.table, id));
	}
	auto &stored = data.table.Stored();
	auto sql = "SELECT " + StringUtil::Join(columns, ", ") + " FROM " + ServerName(stored.schema, stored.name) + data.at;
	auto conditions = data.conditions;
	AddRuntimeConditions(context, data, input, conditions);
	if (!conditions.empty()) {
		sql += " WHERE " + StringUtil::Join(conditions, " AND ");
	}
	return sql;
}

string TableScanData::ExplainedSql(ClientContext &context, const PhysicalTableScan &scan) {
	explained_sql = ScanSql(context, *this,
	                        TableFunctionInitInput(this, scan.column_ids, scan.projection_ids, scan.table_filters.get()));
	return explained_sql;
}

static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
	auto &data = input.bind_data->Cast<TableScanData>();
	SentStatement sent(ScanSql(context, data, input));
	auto stream = make_uniq<RemoteStream>(context, data.catalog, std::move(sent), DH_EXECUTE_RUN, false);
	vector<LogicalType> types;
	for (auto id : input.column_ids) {
		types.push_back(ColumnType(data.table, id));
	}
	CheckColumnTypes(stream->Columns(), types);
	return make_uniq<ScanGlobalState>(context, std::move(stream), true);
}

static void PushdownFilters(ClientContext &context, LogicalGet &get, FunctionData *bind_data,
                            vector<unique_ptr<Expression>> &filters) {
	auto &data = bind_data->Cast<TableScanData>();
	auto column_of = [&](ColumnBinding binding) -> optional_ptr<const ColumnDefinition> {
		if (binding.table_index != get.table_index) {
			return nullptr;
		}
		return StoredColumn(data.table, get.GetColumnIds()[binding.column_index].GetPrimaryIndex());
	};
	vector<unique_ptr<Expression>> kept;
	for (auto &filter : filters) {
		auto condition = FilterToSql(context, *filter, column_of);
		if (condition.empty()) {
			kept.push_back(std::move(filter));
		} else {
			data.conditions.push_back("(" + condition + ")");
		}
	}
	filters = std::move(kept);
}

static unique_ptr<BaseStatistics> Statistics(ClientContext &context, const FunctionData *bind_data, column_t column) {
	return bind_data->Cast<TableScanData>().table.GetStatistics(context, column);
}

static unique_ptr<NodeStatistics> Cardinality(ClientContext &, const FunctionData *bind_data) {
	return make_uniq<NodeStatistics>(bind_data->Cast<TableScanData>().table.EstimatedRows());
}

//! DuckDB takes scans of the same table for scans of the same rows: not if the server leaves some out, or has others.
static optional_ptr<TableCatalogEntry> ScannedTable(optional_ptr<const FunctionData> bind_data) {
	auto &data = bind_data->Cast<TableScanData>();
	return data.at.empty() && data.conditions.empty() ? &data.table : nullptr;
}

static BindInfo GetBindInfo(TableFunctionGetBindInfoInput &) {
	return BindInfo(ScanType::EXTERNAL);
}

static InsertionOrderPreservingMap<string> Describe(TableFunctionToStringInput &input) {
	InsertionOrderPreservingMap<string> result;
	auto &data = input.bind_data->Cast<TableScanData>();
	result["Server"] = data.catalog.GetName().GetIdentifierName();
	auto &stored = data.table.Stored();
	result["Table"] = ServerName(stored.schema, stored.name) + data.at;
	if (!data.conditions.empty()) {
		result["Remote filters"] = StringUtil::Join(data.conditions, " AND ");
	}
	if (!data.explained_sql.empty()) {
		result["Remote SQL"] = data.explained_sql;
	}
	return result;
}

TableFunction TableScan(RemoteTable &table, optional_ptr<BoundAtClause> at, unique_ptr<FunctionData> &bind_data) {
	auto data = make_uniq<TableScanData>(table);
	if (at) {
		data->at = " AT (" + at->Unit().GetIdentifierName() + " => " + at->GetValue().ToSQLString() + ")";
	}
	bind_data = std::move(data);
	TableFunction function(TABLE_SCAN_NAME, {}, ScanFunction, nullptr, InitGlobal, ScanInitLocal);
	function.get_partition_data = ScanGetPartitionData;
	function.table_scan_progress = ScanProgress;
	function.pushdown_complex_filter = PushdownFilters;
	function.statistics = Statistics;
	function.cardinality = Cardinality;
	function.get_table_entry = ScannedTable;
	function.get_bind_info = GetBindInfo;
	function.to_string = Describe;
	function.get_metrics = ScanGetMetrics;
	function.projection_pushdown = true;
	function.parallelism = TableFunctionParallelism::SEQUENTIAL;
	RefuseCopies(function);
	return function;
}

bool IsTableScan(const LogicalGet &get) {
	return get.function.GetName() == TABLE_SCAN_NAME;
}

void FilterByJoinKeys(LogicalGet &scan, ProjectionIndex column, shared_ptr<JoinKeys> keys) {
	auto id = scan.GetColumnIds()[column].GetPrimaryIndex();
	scan.bind_data->Cast<TableScanData>().join_keys.emplace_back(id, std::move(keys));
}

} // namespace duckherder
