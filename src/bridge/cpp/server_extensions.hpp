// The table function duckherder_server_extensions([catalog]).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"

namespace duckherder {

//! The extensions of a server, as its `duckdb_extensions()` tells them.
duckdb::TableFunction ServerExtensions();

} // namespace duckherder
