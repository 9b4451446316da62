// The function duckherder_rebuild_index(name).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/function_set.hpp"

namespace duckherder {

//! Drops an index of an attached server and creates it again, in one transaction; returns true.
duckdb::ScalarFunctionSet RebuildIndexFunction();

} // namespace duckherder
