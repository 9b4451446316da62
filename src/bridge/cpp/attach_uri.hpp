// `ATTACH 'duckherder://host:port/database' AS x`, without TYPE.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/optimizer/optimizer_extension.hpp"

namespace duckherder {

//! DuckDB takes `scheme:rest` for the extension `scheme`, but not `scheme://rest`, which it would open as a file. This
//! gives an ATTACH of our scheme its type, in the one hook that sees the statement between binding and running.
duckdb::OptimizerExtension AttachUriRewrite();

} // namespace duckherder
