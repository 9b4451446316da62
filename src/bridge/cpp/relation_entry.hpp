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
	//! `table`, which lives longer, under another name.
	RemoteTable(RemoteTable &table, duckdb::SchemaCatalogEntry &schema, const duckdb::Identifier &name);

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
	//! The table that the server knows, if this is another name of it; else this one.
	const RemoteTable &Stored() const {
		return stored ? *stored : *this;
	}

private:
	duckdb::ColumnList columns;
	duckdb::idx_t estimated_rows;
	duckdb::optional_ptr<RemoteTable> stored;
};

} // namespace duckherder
