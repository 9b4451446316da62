// Connections whose results keep every DuckDB type, and those whose results any Arrow client can read.
#pragma once

#include "travelling_types.hpp"

namespace duckling {

//! Have the results of a connection travel without loss, as a client of ours can read them.
void KeepTypes(duckdb::ClientContext &context);
bool KeepsTypes(duckdb::ClientContext &context);

//! How a result of the connection is written as Arrow.
ExtensionTypes ResultExtensions(duckdb::ClientContext &context, const duckdb::vector<LogicalType> &types);
void ResultSchema(ArrowSchema *out, const duckdb::vector<LogicalType> &types,
                  const duckdb::vector<duckdb::Identifier> &names, duckdb::ClientProperties properties);

} // namespace duckling
