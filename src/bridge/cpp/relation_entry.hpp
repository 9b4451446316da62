// Tables of an attached server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/storage/table_storage_info.hpp"

namespace duckherder {

class RemoteTable : public duckdb::TableCatalogEntry {
public:
	RemoteTable(duckdb::Catalog &catalog, duckdb::SchemaCatalogEntry &schema, duckdb::CreateTableInfo &info,
	            const dh_entry &entry);
	//! `table`, which lives longer, under another name.
	RemoteTable(RemoteTable &table, duckdb::SchemaCatalogEntry &schema, const duckdb::Identifier &name);

	const duckdb::ColumnList &GetColumns() const override {
		return columns;
	}
	duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext &context,
	                                                         duckdb::column_t column_id) override;
	duckdb::TableFunction GetScanFunction(duckdb::ClientContext &context,
	                                      duckdb::unique_ptr<duckdb::FunctionData> &bind_data) override;
	duckdb::TableFunction GetScanFunction(duckdb::ClientContext &context,
	                                      duckdb::unique_ptr<duckdb::FunctionData> &bind_data,
	                                      const duckdb::EntryLookupInfo &lookup) override;
	duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext &context) override;
	duckdb::virtual_column_map_t GetVirtualColumns() const override;
	duckdb::vector<duckdb::ColumnSegmentInfo>
	GetColumnSegmentInfo(const duckdb::QueryContext &context,
	                     const duckdb::ColumnSegmentInfoScanOptions &options) override;
	void InitializeColumnSegmentInfoScan(duckdb::ColumnSegmentInfoScanState &state) override;

	//! As the server last told them
	duckdb::idx_t EstimatedRows() const {
		return estimated_rows;
	}
	//! The table that the server knows, if this is another name of it; else this one.
	const RemoteTable &Stored() const {
		return stored ? *stored : *this;
	}
	//! Take in how many rows there are, and how many different values in each column. True if there are far more rows than
	//! before, or far fewer.
	bool SetEstimates(duckdb::idx_t rows, duckdb::vector<duckdb::idx_t> distinct_counts);

private:
	duckdb::ColumnList columns;
	duckdb::vector<duckdb::IndexInfo> indexes;
	duckdb::atomic<duckdb::idx_t> estimated_rows {0};
	mutable duckdb::mutex lock;
	duckdb::vector<duckdb::idx_t> distinct_counts;
	duckdb::optional_ptr<RemoteTable> stored;
};

} // namespace duckherder
