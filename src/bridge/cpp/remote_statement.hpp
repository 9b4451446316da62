// Statements that are sent for their effect.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog.hpp"

namespace duckherder {

//! Run a statement on the server of `catalog` in the client's transaction, and drop what it returns.
void RunRemote(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &sql);

} // namespace duckherder
