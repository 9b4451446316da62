// DuckDB's own macros in statements that servers execute.
#pragma once

#include "duckdb/main/client_context.hpp"
#include "duckdb/main/database.hpp"

namespace duckherder {

//! DuckDB's pushdown takes every macro of a local catalog for one that no server knows. Has it pass on those of DuckDB's own that
//! mean the same on any server.
void PushBuiltinMacros(duckdb::ClientContext &context);

//! After the above: DuckDB has a function or a macro of that name, whatever users have made.
bool IsBuiltinFunction(duckdb::DatabaseInstance &database, const duckdb::Identifier &name);

} // namespace duckherder
