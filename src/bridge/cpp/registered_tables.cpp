// Other names of remote tables, which a user has registered.

#include "registered_tables.hpp"

#include "catalog.hpp"
#include "relation_entry.hpp"
#include "schema_entry.hpp"
#include "snapshot.hpp"
#include "transaction.hpp"

#include "duckdb/catalog/catalog_entry/view_catalog_entry.hpp"
#include "duckdb/parser/parsed_data/create_view_info.hpp"
#include "duckdb/parser/qualified_name.hpp"

using namespace duckdb;

namespace duckherder {

TableName TableName::Parse(const string &text) {
	auto parsed = QualifiedName::Parse(text);
	if (parsed.Name().empty()) {
		throw InvalidInputException("A table name may not be empty");
	}
	if (!parsed.Catalog().empty()) {
		throw InvalidInputException("Expected a table or schema.table, got \"%s\": name the database by the argument "
		                            "\"catalog\"",
		                            text);
	}
	return {parsed.Schema().empty() ? Identifier(DEFAULT_SCHEMA) : parsed.Schema(), parsed.Name()};
}

string TableName::ToString() const {
	return QualifiedName({schema}, name).ToString(QualifiedNameToStringMode::HIDE_DEFAULT_SCHEMA);
}

static bool Has(RemoteSnapshot &snapshot, const TableName &table) {
	auto schema = snapshot.FindSchema({table.schema});
	return schema && schema->Has(CatalogType::TABLE_ENTRY, table.name);
}

RegisteredTables::RegisteredTables(RemoteCatalog &catalog_p) : catalog(catalog_p) {
}

void RegisteredTables::Register(ClientContext &context, const TableName &local, const TableName &remote) {
	auto &snapshot = RemoteTransaction::Get(context, catalog).Current(context);
	auto &database = catalog.GetName().GetIdentifierName();
	auto registered = Find(local);
	if (registered) {
		throw CatalogException("\"%s\" is registered already in database \"%s\", as a name of table %s: unregister it first "
		                       "with PRAGMA duckherder_unregister_remote_table('%s')",
		                       local.name.GetIdentifierName(), database, registered->ToString(), local.ToString());
	}
	// The name of a name is a name of the table itself
	auto stored = Resolve(context, remote);
	auto target = stored ? *stored : remote;
	if (!Has(snapshot, target)) {
		throw CatalogException("Table with name %s does not exist in the remote database \"%s\"!", remote.ToString(),
		                       database);
	}
	if (!(local == target) && Has(snapshot, local)) {
		throw CatalogException("Table with name \"%s\" already exists in the remote database \"%s\"!",
		                       local.name.GetIdentifierName(), database);
	}
	lock_guard<mutex> guard(lock);
	names.emplace_back(local, target);
}

void RegisteredTables::Unregister(const TableName &local) {
	lock_guard<mutex> guard(lock);
	for (auto entry = names.begin(); entry != names.end(); entry++) {
		if (entry->first == local) {
			names.erase(entry);
			return;
		}
	}
	throw CatalogException("No remote table is registered as \"%s\" in database \"%s\"!", local.name.GetIdentifierName(),
	                       catalog.GetName().GetIdentifierName());
}

bool RegisteredTables::Any() {
	lock_guard<mutex> guard(lock);
	return !names.empty();
}

optional<TableName> RegisteredTables::Find(const TableName &local) {
	lock_guard<mutex> guard(lock);
	for (auto &entry : names) {
		if (entry.first == local) {
			return entry.second;
		}
	}
	return {};
}

optional<TableName> RegisteredTables::Resolve(ClientContext &context, const TableName &local) {
	auto remote = Find(local);
	if (!remote || *remote == local) {
		return {};
	}
	auto &transaction = RemoteTransaction::Get(context, catalog);
	reference<RemoteSnapshot> snapshot = transaction.Peek(context);
	if (!Has(snapshot, *remote)) {
		snapshot = transaction.Current(context);
	}
	if (Has(snapshot, local) || !Has(snapshot, *remote)) {
		return {};
	}
	return remote;
}

static unique_ptr<CatalogEntry> MakeNamed(CatalogEntry &stored, SchemaCatalogEntry &schema, const Identifier &name) {
	if (stored.type == CatalogType::TABLE_ENTRY) {
		return make_uniq<RemoteTable>(stored.Cast<RemoteTable>(), schema, name);
	}
	auto info = stored.GetInfo();
	auto &view = info->Cast<CreateViewInfo>();
	// Its query reads from the schema that it is in
	auto &view_schema = stored.ParentSchema();
	view.SetQualifiedName(view_schema.GetQualifiedName(name));
	return make_uniq<ViewCatalogEntry>(view_schema.catalog, view_schema, view);
}

optional_ptr<CatalogEntry> RegisteredEntries::Lookup(CatalogTransaction transaction, RemoteSchema &schema,
                                                     const EntryLookupInfo &lookup) {
	auto &context = transaction.GetContext();
	auto &catalog = schema.catalog.Cast<RemoteCatalog>();
	auto &name = lookup.GetEntryIdentifier();
	auto remote = catalog.Registered().Resolve(context, {schema.name, name});
	if (!remote) {
		return nullptr;
	}
	auto stored = catalog.GetEntry(
	    context, EntryLookupInfo(lookup, QualifiedName(catalog.GetName(), remote->schema, remote->name)),
	    OnEntryNotFound::RETURN_NULL);
	if (!stored) {
		return nullptr;
	}
	lock_guard<mutex> guard(lock);
	for (auto &entry : entries) {
		if (&entry.stored == stored.get() && entry.entry->name == name) {
			return entry.entry.get();
		}
	}
	entries.push_back({*stored, MakeNamed(*stored, schema, name)});
	return entries.back().entry.get();
}

} // namespace duckherder
