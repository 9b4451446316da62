// Bound filters of the client as SQL conditions for the server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/parser/column_definition.hpp"
#include "duckdb/planner/column_binding.hpp"
#include "duckdb/planner/expression.hpp"

namespace duckherder {

//! The column of the server that a binding stands for, or null.
using ColumnResolver = std::function<duckdb::optional_ptr<const duckdb::ColumnDefinition>(duckdb::ColumnBinding)>;

//! The condition as SQL on the table's columns; empty if the server could answer it differently than the client.
std::string FilterToSql(duckdb::ClientContext &context, const duckdb::Expression &filter,
                        const ColumnResolver &column_of);

} // namespace duckherder
