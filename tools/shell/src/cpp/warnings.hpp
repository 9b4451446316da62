//! What DuckDB warns of, on the terminal.
#pragma once

#include "duckdb.hpp"

//! Print the warnings that the instance logs from now on, unless its user has them logged elsewhere.
void PrintWarnings(duckdb::DatabaseInstance &instance);
