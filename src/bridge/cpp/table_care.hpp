// The table functions that look after distributed tables: duckherder_table_files(table), duckherder_snapshots(table),
// duckherder_check([table]), duckherder_vacuum([table]) and duckherder_compact(table).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"

namespace duckherder {

//! Each calls the server's function of the same name, on the server that has the table.
duckdb::vector<duckdb::TableFunction> TableCareFunctions();

} // namespace duckherder
