// What ALTER and DROP may do to distributed tables, and to the lists of their files.
#pragma once

#include "duckdb/main/client_context.hpp"
#include "duckdb/planner/logical_operator.hpp"

namespace duckling {

//! Throw if `op` changes the catalog in a way that files would not follow. A new table becomes of the server's default kind.
void CheckCatalogChange(duckdb::ClientContext &context, duckdb::LogicalOperator &op);

} // namespace duckling
