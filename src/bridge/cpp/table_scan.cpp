// Scan of a remote table that takes part in a statement of the client.

#include "table_scan.hpp"

#include "catalog.hpp"
#include "filter_pushdown.hpp"
#include "relation_entry.hpp"
#include "remote_stream.hpp"
#include "scan_state.hpp"
#include "server_names.hpp"

#include "duckdb/parser/keyword_helper.hpp"
#include "duckdb/planner/operator/logical_get.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

struct TableScanData : public RemoteScanData {
	explicit TableScanData(RemoteTable &table_p)
	    : RemoteScanData(table_p.catalog.Cast<RemoteCatalog>()), table(table_p) {
	}

	RemoteTable &table;
	//! Conditions on the table's columns, as SQL
	vector<string> conditions;
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

static string ScanSql(const TableScanData &data, const vector<column_t> &column_ids) {
	vector<string> columns;
	for (auto id : column_ids) {
		columns.push_back(ColumnSql(data.table, id));
	}
	auto &stored = data.table.Stored();
	auto sql = "SELECT " + StringUtil::Join(columns, ", ") + " FROM " + ServerName(stored.schema, stored.name);
	if (!data.conditions.empty()) {
		sql += " WHERE " + StringUtil::Join(data.conditions, " AND ");
	}
	return sql;
}

static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
	auto &data = input.bind_data->Cast<TableScanData>();
	auto stream = make_uniq<RemoteStream>(context, data.catalog, ScanSql(data, input.column_ids), DH_EXECUTE_RUN, false);
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
	vector<unique_ptr<Expression>> kept;
	for (auto &filter : filters) {
		auto condition = FilterToSql(context, get, data.table, *filter);
		if (condition.empty()) {
			kept.push_back(std::move(filter));
		} else {
			data.conditions.push_back("(" + condition + ")");
		}
	}
	filters = std::move(kept);
}

static unique_ptr<NodeStatistics> Cardinality(ClientContext &, const FunctionData *bind_data) {
	return make_uniq<NodeStatistics>(bind_data->Cast<TableScanData>().table.EstimatedRows());
}

static optional_ptr<TableCatalogEntry> ScannedTable(optional_ptr<const FunctionData> bind_data) {
	return bind_data->Cast<TableScanData>().table;
}

static BindInfo GetBindInfo(TableFunctionGetBindInfoInput &) {
	return BindInfo(ScanType::EXTERNAL);
}

static InsertionOrderPreservingMap<string> Describe(TableFunctionToStringInput &input) {
	InsertionOrderPreservingMap<string> result;
	auto &data = input.bind_data->Cast<TableScanData>();
	result["Server"] = data.catalog.GetName().GetIdentifierName();
	auto &stored = data.table.Stored();
	result["Table"] = ServerName(stored.schema, stored.name);
	if (!data.conditions.empty()) {
		result["Remote filters"] = StringUtil::Join(data.conditions, " AND ");
	}
	return result;
}

TableFunction TableScan(RemoteTable &table, unique_ptr<FunctionData> &bind_data) {
	bind_data = make_uniq<TableScanData>(table);
	TableFunction function(TABLE_SCAN_NAME, {}, ScanFunction, nullptr, InitGlobal, ScanInitLocal);
	function.get_partition_data = ScanGetPartitionData;
	function.pushdown_complex_filter = PushdownFilters;
	function.cardinality = Cardinality;
	function.get_table_entry = ScannedTable;
	function.get_bind_info = GetBindInfo;
	function.to_string = Describe;
	function.projection_pushdown = true;
	function.parallelism = TableFunctionParallelism::SEQUENTIAL;
	RefuseCopies(function);
	return function;
}

} // namespace duckherder
