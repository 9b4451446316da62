// Scan of a remote table that takes part in a statement of the client.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"

namespace duckherder {

class RemoteTable;

constexpr const char *TABLE_SCAN_NAME = "duckherder_scan";

//! A scan that reads only the columns and rows that the statement needs: projection and filters go to the server.
duckdb::TableFunction TableScan(RemoteTable &table, duckdb::unique_ptr<duckdb::FunctionData> &bind_data);

} // namespace duckherder
