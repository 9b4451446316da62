// The table functions duckherder_server_query_history([catalog]) and duckherder_get_query_execution_stats([catalog]).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"

namespace duckherder {

//! The statements that the server has run, for all its clients; reading them is none.
duckdb::TableFunction ServerQueryHistory();
//! Of the same statements, what the server's workers have done for each.
duckdb::TableFunction QueryExecutionStats();

} // namespace duckherder
