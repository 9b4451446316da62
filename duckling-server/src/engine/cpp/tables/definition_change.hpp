// Changes of what a distributed table's columns are.
#pragma once

#include "table_columns.hpp"

#include "duckdb/parser/parsed_data/alter_table_info.hpp"

namespace duckling {

//! An ALTER TABLE of a distributed table, and the columns that it will have.
class DefinitionChange {
public:
	//! `initial_value`: the packed value that an added column has in rows that are there, or NULL.
	DefinitionChange(duckdb::ClientContext &context, duckdb::TableCatalogEntry &table, const duckdb::AlterTableInfo &info,
	                 const duckdb::Value &initial_value);

	//! Do it, in the transaction of `context`.
	void Apply(duckdb::ClientContext &context, duckdb::Catalog &catalog) const;

	std::string table_id;
	TableColumns columns;

private:
	duckdb::unique_ptr<duckdb::AlterInfo> info;
	bool changes_columns = false;
};

} // namespace duckling
