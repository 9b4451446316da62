// Bound filters of the client as SQL conditions for the server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/planner/expression.hpp"

namespace duckdb {
class LogicalGet;
} // namespace duckdb

namespace duckherder {

class RemoteTable;

//! The condition as SQL on the table's columns; empty if the server could answer it differently than the client.
std::string FilterToSql(duckdb::ClientContext &context, duckdb::LogicalGet &get, RemoteTable &table,
                        const duckdb::Expression &filter);

} // namespace duckherder
