// nextval, currval and setval of the sequences of attached servers.
#pragma once

#include "bridge_internal.hpp"

namespace duckherder {

//! Let DuckDB's own functions ask the server where a sequence is on one: its counter is there, not in the catalog entry.
void ExtendSequenceFunctions(duckdb::DatabaseInstance &database);

} // namespace duckherder
