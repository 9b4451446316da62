// The table function duckherder_workers([catalog]).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"

namespace duckherder {

//! The workers of a server, those that are lost too.
duckdb::TableFunction WorkersFunction();

} // namespace duckherder
