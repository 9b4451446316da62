// Tables of an attached server.

#include "relation_entry.hpp"

#include "table_scan.hpp"
#include "transaction.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/catalog/entry_lookup_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/storage/statistics/base_statistics.hpp"

using namespace duckdb;

namespace duckherder {

RemoteTable::RemoteTable(Catalog &catalog, SchemaCatalogEntry &schema, CreateTableInfo &info, const dh_entry &entry)
    : TableCatalogEntry(catalog, schema, info), columns(std::move(info.columns)) {
	for (idx_t i = 0; i < entry.index_count; i++) {
		auto &raw = entry.indexes[i];
		IndexInfo index;
		index.is_unique = raw.unique;
		index.is_primary = raw.primary;
		index.is_foreign = raw.foreign;
		index.column_set.insert(raw.columns, raw.columns + raw.column_count);
		indexes.push_back(std::move(index));
	}
}

static unique_ptr<CreateInfo> RenamedInfo(const RemoteTable &table, SchemaCatalogEntry &schema, const Identifier &name) {
	auto info = table.GetInfo();
	info->SetQualifiedName(schema.GetQualifiedName(name));
	return info;
}

RemoteTable::RemoteTable(RemoteTable &table, SchemaCatalogEntry &schema, const Identifier &name)
    : TableCatalogEntry(table.catalog, schema, RenamedInfo(table, schema, name)->Cast<CreateTableInfo>()),
      columns(table.columns.Copy()), indexes(table.indexes), estimated_rows(table.EstimatedRows()), stored(table) {
}

//! An estimate that moves by more makes plans look bad
static constexpr idx_t FAR = 8;
//! What is small is planned well in any way
static constexpr idx_t FEW_ROWS = 1000;

bool RemoteTable::SetEstimates(idx_t rows, vector<idx_t> distinct_counts_p) {
	auto before = estimated_rows.exchange(rows);
	lock_guard<mutex> guard(lock);
	distinct_counts = std::move(distinct_counts_p);
	return MaxValue(before, rows) > FAR * (MinValue(before, rows) + FEW_ROWS);
}

unique_ptr<BaseStatistics> RemoteTable::GetStatistics(ClientContext &, column_t column_id) {
	auto &table = Stored();
	lock_guard<mutex> guard(table.lock);
	if (IsVirtualColumn(column_id) || column_id >= table.distinct_counts.size() || table.distinct_counts[column_id] == 0) {
		return nullptr;
	}
	// No least and greatest values: they may be outdated, and DuckDB relies on them
	auto statistics = BaseStatistics::CreateUnknown(columns.GetColumn(LogicalIndex(column_id)).Type());
	statistics.SetDistinctCount(table.distinct_counts[column_id]);
	return statistics.ToUnique();
}

TableFunction RemoteTable::GetScanFunction(ClientContext &context, unique_ptr<FunctionData> &bind_data) {
	RemoteTransaction::Get(context, catalog).BindsFirstSource();
	return TableScan(*this, nullptr, bind_data);
}

TableFunction RemoteTable::GetScanFunction(ClientContext &context, unique_ptr<FunctionData> &bind_data,
                                           const EntryLookupInfo &lookup) {
	RemoteTransaction::Get(context, catalog).BindsFirstSource();
	return TableScan(*this, lookup.GetAtClause(), bind_data);
}

TableStorageInfo RemoteTable::GetStorageInfo(ClientContext &) {
	TableStorageInfo info;
	info.cardinality = EstimatedRows();
	info.index_info = indexes;
	return info;
}

virtual_column_map_t RemoteTable::GetVirtualColumns() const {
	auto result = TableCatalogEntry::GetVirtualColumns();
	// Lets count(*) scan no column at all
	result.insert(make_pair(COLUMN_IDENTIFIER_EMPTY, TableColumn("", LogicalType::BOOLEAN)));
	return result;
}

[[noreturn]] static void ThrowNoSegments(const RemoteTable &table) {
	auto &catalog = table.ParentCatalog().GetName().GetIdentifierName();
	throw NotImplementedException("The storage of remote table \"%s\" is the server's: ask there with "
	                              "FROM duckherder_query('%s', 'FROM pragma_storage_info(...)')",
	                              table.name.GetIdentifierName(), catalog);
}

vector<ColumnSegmentInfo> RemoteTable::GetColumnSegmentInfo(const QueryContext &, const ColumnSegmentInfoScanOptions &) {
	ThrowNoSegments(*this);
}

void RemoteTable::InitializeColumnSegmentInfoScan(ColumnSegmentInfoScanState &) {
	ThrowNoSegments(*this);
}

} // namespace duckherder
