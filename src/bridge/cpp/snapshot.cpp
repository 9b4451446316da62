// The remote catalog at one moment, as DuckDB's catalog entries.

#include "snapshot.hpp"

#include "catalog.hpp"
#include "schema_entry.hpp"

#include "duckdb/parser/parsed_data/create_schema_info.hpp"

using namespace duckdb;

namespace duckherder {

static vector<Identifier> PathOf(const dh_schema &schema) {
	vector<Identifier> path;
	for (idx_t i = 0; i < schema.path_len; i++) {
		path.emplace_back(ToString(schema.path[i]));
	}
	return path;
}

//! The server tells of a schema before those in it.
static unique_ptr<RemoteSchema> MakeSchema(RemoteSnapshot &snapshot, RemoteCatalog &catalog, const dh_schema &raw) {
	auto path = PathOf(raw);
	CreateSchemaInfo info;
	info.internal = raw.internal;
	info.SetQualifiedName(QualifiedName::FromCatalogSchema(catalog.GetName(), path, Identifier()));
	path.pop_back();
	optional_ptr<RemoteSchema> parent;
	if (!path.empty()) {
		parent = snapshot.FindSchema(path);
	}
	auto schema = make_uniq<RemoteSchema>(snapshot, catalog, info, parent);
	if (parent) {
		parent->AddChild(*schema);
	}
	return schema;
}

RemoteSnapshot::RemoteSnapshot(RemoteCatalog &catalog, dh_snapshot *raw_p) : raw(raw_p) {
	for (idx_t i = 0; i < raw->schema_count; i++) {
		schemas.push_back(MakeSchema(*this, catalog, raw->schemas[i]));
	}
	for (idx_t i = 0; i < raw->entry_count; i++) {
		auto &entry = raw->entries[i];
		schemas[entry.schema]->Add(entry);
		by_oid[entry.oid] = &entry;
	}
	Apply(*raw);
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

optional_ptr<RemoteSchema> RemoteSnapshot::FindSchema(const vector<Identifier> &path) {
	for (auto &schema : schemas) {
		if (schema->name == path.back() && schema->GetSchemaPath() == path) {
			return schema.get();
		}
	}
	return nullptr;
}

void RemoteSnapshot::ScanSchemas(const std::function<void(SchemaCatalogEntry &)> &callback) {
	for (auto &schema : schemas) {
		callback(*schema);
	}
}

bool RemoteSnapshot::Has(CatalogType type, const Identifier &name) const {
	return std::any_of(schemas.begin(), schemas.end(), [&](const unique_ptr<RemoteSchema> &schema) {
		return schema->Has(type, name);
	});
}

bool RemoteSnapshot::Apply(const dh_snapshot &answer) {
	bool moved = false;
	for (idx_t i = 0; i < answer.state_count; i++) {
		auto oid = answer.states[i].oid;
		EntryState state(answer.states[i]);
		{
			lock_guard<mutex> guard(lock);
			states.erase(oid);
			states.emplace(oid, state);
		}
		auto entry = by_oid.find(oid);
		if (entry != by_oid.end()) {
			moved = schemas[entry->second->schema]->Update(*entry->second, state) || moved;
		}
	}
	return moved;
}

optional<EntryState> RemoteSnapshot::StateOf(const dh_entry &entry) {
	lock_guard<mutex> guard(lock);
	auto state = states.find(entry.oid);
	return state == states.end() ? optional<EntryState>() : state->second;
}

} // namespace duckherder
