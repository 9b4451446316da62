// Table functions that look after distributed tables.
#pragma once

#include "duckdb/main/database.hpp"

namespace duckling {

//! `duckherder_table_files(table)`, `duckherder_snapshots(table)`, `duckherder_check([table])`, `duckherder_vacuum([table], older_than := …)`,
//! `duckherder_compact(table, target_size := …)`
void RegisterCareFunctions(duckdb::DatabaseInstance &instance);

} // namespace duckling
