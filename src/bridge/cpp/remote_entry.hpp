// The catalog entry of something that was created on an attached server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog_entry.hpp"

namespace duckherder {

class RemoteSchema;

//! What an entry is made for.
enum class EntryUse {
	//! To be shown as it was created
	LIST,
	//! To be bound in a statement of the client, where its names must mean what they mean on the server
	BIND
};

//! Whether entries of a kind differ by what they are made for.
bool DiffersByUse(int32_t kind);

duckdb::unique_ptr<duckdb::CatalogEntry> MakeEntry(duckdb::ClientContext &context, RemoteSchema &schema,
                                                   const dh_entry &entry, EntryUse use);

//! Let an entry show what the server has told since it was made.
void UpdateEntry(duckdb::CatalogEntry &entry, const dh_entry_state &state);

} // namespace duckherder
