// Files without some of their rows.
#pragma once

#include "changed_rows.hpp"
#include "table_files.hpp"

#include "duckdb/main/database.hpp"

namespace duckling {

//! Write the rows of `file` that do not go into a new file beside it, and make that durable.
TableFile RewriteFile(duckdb::ClientContext &context, const TableFile &file, const RowSet &going);

void RegisterRewriting(duckdb::DatabaseInstance &instance);

} // namespace duckling
