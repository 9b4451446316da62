// An attached server as a DuckDB catalog.

#include "catalog.hpp"

#include "remote_statement.hpp"
#include "schema_entry.hpp"
#include "server_names.hpp"
#include "session_state.hpp"
#include "snapshot.hpp"
#include "transaction.hpp"

#include "duckdb/common/string_util.hpp"
#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/parser/parsed_data/create_schema_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/storage/database_size.hpp"

using namespace duckdb;

namespace duckherder {

static atomic<idx_t> attached_count {0};

RemoteCatalog::RemoteCatalog(AttachedDatabase &db, dh_catalog *remote_p, string path_p)
    : Catalog(db), remote(remote_p, [](dh_catalog *catalog) { Rust().catalog_free(catalog); }),
      path(std::move(path_p)), registered(*this) {
	attached_count++;
}

RemoteCatalog::~RemoteCatalog() {
	attached_count--;
	// Nothing runs on a catalog that goes away, but the connections that have used it stay
	for (auto &entry : sessions) {
		auto session = entry.lock();
		if (session) {
			session->Close();
		}
	}
}

bool RemoteCatalog::AnyAttached() {
	return attached_count > 0;
}

RemoteCatalog &RemoteCatalog::Find(ClientContext &context, const string &name) {
	auto &catalog = Catalog::GetCatalog(context, Identifier(name));
	if (catalog.GetCatalogType() != TYPE) {
		throw InvalidInputException("Database \"%s\" is not a Duckherder database: attach one with "
		                            "ATTACH '%s' (TYPE duckherder, server_host '...', server_port ...)",
		                            name, name);
	}
	return catalog.Cast<RemoteCatalog>();
}

RemoteCatalog &RemoteCatalog::FindOrOnly(ClientContext &context, const Value &name) {
	if (!name.IsNull()) {
		return Find(context, StringValue::Get(name));
	}
	optional_ptr<RemoteCatalog> only;
	vector<string> names;
	for (auto &database : DatabaseManager::Get(context).GetDatabases(context)) {
		if (database->GetCatalog().GetCatalogType() == TYPE) {
			only = database->GetCatalog().Cast<RemoteCatalog>();
			names.push_back("\"" + only->GetName().GetIdentifierName() + "\"");
		}
	}
	if (names.size() > 1) {
		std::sort(names.begin(), names.end());
		throw BinderException("Several Duckherder databases are attached, %s: say which one by the argument \"catalog\"",
		                      StringUtil::Join(names, ", "));
	}
	if (!only) {
		throw BinderException("No Duckherder database is attached: attach one with "
		                      "ATTACH 'dh' (TYPE duckherder, server_host '...', server_port ...)");
	}
	return *only;
}

//! A database attached again under the same name is another catalog, hence the object id.
static string SessionKey(Catalog &catalog) {
	return "duckherder_session_" + to_string(catalog.GetOid());
}

shared_ptr<SessionState> RemoteCatalog::SessionOf(ClientContext &context) {
	auto session = context.registered_state->GetOrCreate<SessionState>(SessionKey(*this), remote);
	lock_guard<mutex> guard(lock);
	idx_t kept = 0;
	bool is_known = false;
	for (auto &entry : sessions) {
		auto other = entry.lock();
		if (other) {
			is_known = is_known || other == session;
			sessions[kept++] = entry;
		}
	}
	sessions.resize(kept);
	if (!is_known) {
		sessions.push_back(session);
	}
	return session;
}

void RemoteCatalog::OnDetach(ClientContext &context) {
	context.registered_state->Remove(SessionKey(*this));
}

shared_ptr<RemoteSnapshot> RemoteCatalog::CachedSnapshot() {
	lock_guard<mutex> guard(lock);
	return is_outdated ? nullptr : last;
}

shared_ptr<RemoteSnapshot> RemoteCatalog::LastSnapshot() {
	lock_guard<mutex> guard(lock);
	return last;
}

void RemoteCatalog::Cache(shared_ptr<RemoteSnapshot> snapshot, bool is_latest) {
	lock_guard<mutex> guard(lock);
	if (is_latest || !last || snapshot->Supersedes(*last)) {
		last = std::move(snapshot);
		is_outdated = false;
	}
}

void RemoteCatalog::HeardOf(uint64_t version) {
	lock_guard<mutex> guard(lock);
	is_outdated = is_outdated || (last && last->Version() != version);
}

//! So old may estimates of sizes be. Asking for them costs no round trip, but the server visits every table.
static constexpr std::chrono::seconds STATES_LIFETIME {1};

bool RemoteCatalog::WantsStates() const {
	lock_guard<mutex> guard(lock);
	return std::chrono::steady_clock::now() - states_heard > STATES_LIFETIME;
}

void RemoteCatalog::HeardStates() {
	lock_guard<mutex> guard(lock);
	states_heard = std::chrono::steady_clock::now();
}

void RemoteCatalog::ForgetStates() {
	lock_guard<mutex> guard(lock);
	states_heard = {};
}

void RemoteCatalog::MarkOutdated() {
	lock_guard<mutex> guard(lock);
	is_outdated = true;
}

Identifier RemoteCatalog::ServerDatabase() const {
	return Identifier(ToString(Rust().catalog_database(remote.get())));
}

bool RemoteCatalog::ServerHasDatabase(const Identifier &name) const {
	auto lower = StringUtil::Lower(name.GetIdentifierName());
	return Rust().catalog_has_database(remote.get(), ToStr(lower));
}

bool RemoteCatalog::ServerHasFunction(const Identifier &name, CatalogType type) {
	auto lower = StringUtil::Lower(name.GetIdentifierName());
	if (Rust().catalog_has_function(remote.get(), ToStr(lower))) {
		return true;
	}
	// Created since it was attached
	auto snapshot = LastSnapshot();
	return snapshot && snapshot->Has(type, name);
}

string RemoteCatalog::GetConnectDisplay() {
	return ToString(Rust().catalog_display(remote.get()));
}

optional_ptr<CatalogEntry> RemoteCatalog::CreateSchema(CatalogTransaction transaction, CreateSchemaInfo &info) {
	auto &context = transaction.GetContext();
	auto copy = info.Copy();
	NameForServer(context, *this, *copy);
	RunRemote(context, *this, copy->ToString());
	RemoteTransaction::Get(context, *this).InvalidateSnapshot();
	return nullptr;
}

void RemoteCatalog::DropSchema(ClientContext &context, DropInfo &info) {
	auto copy = unique_ptr_cast<ParseInfo, DropInfo>(info.Copy());
	NameForServer(context, *this, *copy);
	RunRemote(context, *this, copy->ToString());
}

optional_ptr<SchemaCatalogEntry> RemoteCatalog::LookupSchema(CatalogTransaction transaction,
                                                             const EntryLookupInfo &lookup,
                                                             OnEntryNotFound if_not_found) {
	auto &context = transaction.GetContext();
	auto &remote_transaction = RemoteTransaction::Get(context, *this);
	return LookupSchemaPath(transaction, lookup, if_not_found,
	                        [&](const EntryLookupInfo &root) -> optional_ptr<CatalogEntry> {
		                        vector<Identifier> path {root.GetEntryIdentifier()};
		                        auto schema = remote_transaction.Peek(context).FindSchema(path);
		                        return schema ? schema.get() : remote_transaction.Current(context).FindSchema(path).get();
	                        });
}

void RemoteCatalog::ScanSchemas(ClientContext &context, std::function<void(SchemaCatalogEntry &)> callback) {
	RemoteTransaction::Get(context, *this).Current(context).ScanSchemas(callback);
}

DatabaseSize RemoteCatalog::GetDatabaseSize(ClientContext &) {
	return DatabaseSize();
}

} // namespace duckherder
