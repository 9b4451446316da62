// The remote catalog at one moment, as DuckDB's catalog entries.
#pragma once

#include "bridge_internal.hpp"
#include "remote_entry.hpp"

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
	duckdb::optional_ptr<RemoteSchema> FindSchema(const duckdb::vector<duckdb::Identifier> &path);
	void ScanSchemas(const std::function<void(duckdb::SchemaCatalogEntry &)> &callback);
	//! Whether some schema has an entry of that name where entries of the type are.
	bool Has(duckdb::CatalogType type, const duckdb::Identifier &name) const;

	//! Take in what the server tells of tables and sequences: it changes without a new version.
	//! True if plans made before may be bad ones now.
	bool Apply(const dh_snapshot &answer);
	duckdb::optional<EntryState> StateOf(const dh_entry &entry);

private:
	dh_snapshot *raw;
	//! Those around others come first
	duckdb::vector<duckdb::unique_ptr<RemoteSchema>> schemas;
	std::unordered_map<uint64_t, const dh_entry *> by_oid;
	//! Guards the states
	duckdb::mutex lock;
	std::unordered_map<uint64_t, EntryState> states;
};

} // namespace duckherder
