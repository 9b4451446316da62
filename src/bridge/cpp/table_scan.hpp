// Scan of a remote table that takes part in a statement of the client.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/common/column_index.hpp"
#include "duckdb/function/table_function.hpp"

namespace duckdb {
class BoundAtClause;
class LogicalGet;
} // namespace duckdb

namespace duckherder {

class JoinKeys;
class RemoteTable;

constexpr const char *TABLE_SCAN_NAME = "duckherder_scan";

//! A scan that reads only the columns and rows that the statement needs: projection and filters go to the server.
//! Of what the table was at `at`, if that is not NULL.
duckdb::TableFunction TableScan(RemoteTable &table, duckdb::optional_ptr<duckdb::BoundAtClause> at,
                                duckdb::unique_ptr<duckdb::FunctionData> &bind_data);

bool IsTableScan(const duckdb::LogicalGet &get);
//! Have a scan read only the rows with those values in one of the columns that it projects.
void FilterByJoinKeys(duckdb::LogicalGet &scan, duckdb::ProjectionIndex column, duckdb::shared_ptr<JoinKeys> keys);

} // namespace duckherder
