// What a change with RETURNING returns, found out without its server.
#pragma once

#include "remote_stream.hpp"

namespace duckherder {

class RemoteCatalog;

//! The columns that a change with RETURNING has if the catalog that the client knows is the server's; none if the client cannot
//! tell. The server has the last word. Asks nobody.
duckdb::optional<ResultShape> ExpectedShape(duckdb::ClientContext &context, RemoteCatalog &catalog, const std::string &sql);

} // namespace duckherder
