// The remote catalog at one moment, as DuckDB's catalog entries.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"

namespace duckherder {

class RemoteCatalog;
class RemoteSchema;

//! A version of the remote catalog that holds uncommitted changes.
bool IsTransactionLocalVersion(uint64_t version);

//! Entries are made when they are first looked up, and live as long as the snapshot.
class RemoteSnapshot {
public:
	//! Takes over `raw`.
	RemoteSnapshot(RemoteCatalog &catalog, dh_snapshot *raw);
	~RemoteSnapshot();

	uint64_t Version() const {
		return raw->version;
	}
	//! Holds uncommitted changes, so no other transaction may see it.
	bool IsTransactionLocal() const {
		return IsTransactionLocalVersion(Version());
	}
	//! Shows a later state of the catalog, or that of another server.
	bool Supersedes(const RemoteSnapshot &other) const;
	duckdb::optional_ptr<RemoteSchema> FindSchema(const duckdb::Identifier &name);
	void ScanSchemas(const std::function<void(duckdb::SchemaCatalogEntry &)> &callback);

private:
	dh_snapshot *raw;
	duckdb::identifier_map_t<duckdb::unique_ptr<RemoteSchema>> schemas;
};

} // namespace duckherder
