// The remote catalog at one moment, as DuckDB's catalog entries.

#include "snapshot.hpp"

#include "catalog.hpp"
#include "schema_entry.hpp"

#include "duckdb/parser/parsed_data/create_schema_info.hpp"

using namespace duckdb;

namespace duckherder {

RemoteSnapshot::RemoteSnapshot(RemoteCatalog &catalog, dh_snapshot *raw_p) : raw(raw_p) {
	for (idx_t i = 0; i < raw->schema_count; i++) {
		auto name = Identifier(ToString(raw->schemas[i]));
		CreateSchemaInfo info;
		// Every database has it, so EXPORT and COPY FROM DATABASE leave it out
		info.internal = name == DEFAULT_SCHEMA;
		info.SetQualifiedName(QualifiedName(catalog.GetName(), name, Identifier()));
		schemas[name] = make_uniq<RemoteSchema>(catalog, info);
	}
	for (idx_t i = 0; i < raw->relation_count; i++) {
		auto schema = schemas.find(Identifier(ToString(raw->relations[i].schema)));
		if (schema != schemas.end()) {
			schema->second->Add(raw->relations[i]);
		}
	}
}

RemoteSnapshot::~RemoteSnapshot() {
	schemas.clear();
	Rust().snapshot_free(raw);
}

bool IsTransactionLocalVersion(uint64_t version) {
	return version >= TRANSACTION_ID_START;
}

bool RemoteSnapshot::Supersedes(const RemoteSnapshot &other) const {
	// The upper half names the server's process
	return Version() >> 32 != other.Version() >> 32 || Version() > other.Version();
}

optional_ptr<RemoteSchema> RemoteSnapshot::FindSchema(const Identifier &name) {
	auto entry = schemas.find(name);
	return entry == schemas.end() ? nullptr : entry->second.get();
}

void RemoteSnapshot::ScanSchemas(const std::function<void(SchemaCatalogEntry &)> &callback) {
	for (auto &entry : schemas) {
		callback(*entry.second);
	}
}

} // namespace duckherder
