// The table function duckherder_server_query_history([catalog]).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"

namespace duckherder {

//! The statements that the server has run, for all its clients; reading them is none.
duckdb::TableFunction ServerQueryHistory();

} // namespace duckherder
