// The function duckherder_load_extension(name [, repository [, version]] [, catalog := …]).
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/scalar_function.hpp"

namespace duckherder {

//! Installs an extension on the server, unless it is there already, loads it, and says what was loaded.
duckdb::ScalarFunction LoadExtension();

} // namespace duckherder
