// Tables and views of an attached server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"

namespace duckherder {

class RemoteSchema;

//! Make the catalog entry of a table or view.
duckdb::unique_ptr<duckdb::CatalogEntry> MakeRelationEntry(duckdb::ClientContext &context, RemoteSchema &schema,
                                                           const dh_relation &relation);

class RemoteTable : public duckdb::TableCatalogEntry {
public:
	RemoteTable(duckdb::Catalog &catalog, duckdb::SchemaCatalogEntry &schema, duckdb::CreateTableInfo &info,
	            duckdb::idx_t estimated_rows);

	const duckdb::ColumnList &GetColumns() const override {
		return columns;
	}
	duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext &context,
	                                                         duckdb::column_t column_id) override;
	duckdb::TableFunction GetScanFunction(duckdb::ClientContext &context,
	                                      duckdb::unique_ptr<duckdb::FunctionData> &bind_data) override;
	duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext &context) override;
	duckdb::virtual_column_map_t GetVirtualColumns() const override;

	duckdb::idx_t EstimatedRows() const {
		return estimated_rows;
	}

private:
	duckdb::ColumnList columns;
	duckdb::idx_t estimated_rows;
};

} // namespace duckherder
