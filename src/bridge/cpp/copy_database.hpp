// COPY FROM DATABASE into a server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/planner/planner_extension.hpp"

namespace duckherder {

//! DuckDB builds the indexes of the tables that it has copied itself, in storage that a remote table does not have. This
//! takes them out of its plan: `RemoteSchema::CreateTable` creates them with their tables.
duckdb::PlannerExtension IndexesWithTheirTables();

} // namespace duckherder
