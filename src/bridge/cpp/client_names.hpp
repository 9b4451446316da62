// The names in what was created on a server, as this client must read them.
#pragma once

#include "bridge_internal.hpp"
#include "remote_entry.hpp"

#include "duckdb/parser/parsed_data/create_info.hpp"

namespace duckherder {

class RemoteSchema;

//! The server's name of its database becomes that of the catalog here. Where the entry is to be bound, names in the bodies
//! of macros get catalog and schema: the client's search path is not the server's.
void NameForClient(duckdb::ClientContext &context, RemoteSchema &schema, duckdb::CreateInfo &info, EntryUse use);

} // namespace duckherder
