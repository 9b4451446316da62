// The catalog entry of something that was created on an attached server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog_entry.hpp"
#include "duckdb/common/optional.hpp"

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

//! What the server has told of a table or sequence.
struct EntryState {
	explicit EntryState(const dh_entry_state &raw);

	duckdb::idx_t rows;
	uint64_t usage_count;
	int64_t counter;
	duckdb::optional<int64_t> last_value;
	//! Of each column; 0 if unknown
	duckdb::vector<duckdb::idx_t> distinct_counts;
};

//! Let an entry show what the server has told since it was made. True if a plan for what it was before may be a bad one now.
bool UpdateEntry(duckdb::CatalogEntry &entry, const EntryState &state);

} // namespace duckherder
