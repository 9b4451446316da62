// EXPLAIN and EXPLAIN ANALYZE of what servers execute.
#pragma once

#include "duckdb/optimizer/optimizer_extension.hpp"

namespace duckherder {

//! EXPLAIN shows, below each operator that waits for a server, the server's own plan. EXPLAIN ANALYZE of a statement that is
//! pushed whole has the server execute and measure it, and shows that; its result, which nobody will see, is not fetched.
duckdb::OptimizerExtension ExplainRemotePlans();

} // namespace duckherder
