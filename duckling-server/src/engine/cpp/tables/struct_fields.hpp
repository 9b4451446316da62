// ALTER of fields within columns of distributed tables.
#pragma once

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"

namespace duckling {

//! The change of its column's type that an ADD, DROP or RENAME of a field is; NULL if it is none, or DuckDB has to say what is wrong
//! with it.
duckdb::unique_ptr<duckdb::ChangeColumnTypeInfo> FieldChange(const duckdb::DuckTableEntry &table,
                                                             const duckdb::AlterTableInfo &info);

} // namespace duckling
