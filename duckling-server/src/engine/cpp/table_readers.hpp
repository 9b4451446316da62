// How often a query reads a table.
#pragma once

#include "duckdb/common/identifier.hpp"
#include "duckdb/parser/query_node.hpp"

namespace duckling {

//! How often `query` reads tables of this name, when DuckDB has put its CTEs in the place of their readers.
duckdb::idx_t CountReaders(const duckdb::Identifier &name, duckdb::QueryNode &query);

} // namespace duckling
