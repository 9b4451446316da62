// Constant expressions that DuckDB must not fold.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"

namespace duckherder {

//! As soon as a server is attached, DuckDB folds the constant expressions of every statement before it is bound, and names
//! the values after them. It then reads an argument of a macro that has a name as a named one, and refuses to order an
//! aggregate by a literal. Give the arguments of macros their own names, which folding keeps, and drop such orders.
//! Returns whether there was anything to do.
bool ProtectConstants(duckdb::ClientContext &context, duckdb::SQLStatement &statement);

//! The same for the orders in what is pushed, where folding is over: what it made literals of has a name.
void DropFoldedOrders(duckdb::QueryNode &node);

} // namespace duckherder
