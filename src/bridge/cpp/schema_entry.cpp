// A schema of an attached server.

#include "schema_entry.hpp"

#include "catalog.hpp"
#include "relation_entry.hpp"
#include "remote_statement.hpp"
#include "snapshot.hpp"
#include "transaction.hpp"

#include "duckdb/parser/parsed_data/alter_info.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/parser/parsed_data/create_macro_info.hpp"
#include "duckdb/parser/parsed_data/create_schema_info.hpp"
#include "duckdb/parser/parsed_data/create_sequence_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_data/create_type_info.hpp"
#include "duckdb/parser/parsed_data/create_view_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/planner/parsed_data/bound_create_table_info.hpp"
#include "duckdb/transaction/meta_transaction.hpp"

using namespace duckdb;

namespace duckherder {

RemoteSchema::RemoteSchema(Catalog &catalog, CreateSchemaInfo &info) : SchemaCatalogEntry(catalog, info) {
}

void RemoteSchema::Add(const dh_relation &relation) {
	members[Identifier(ToString(relation.name))] = Member {&relation, nullptr};
}

CatalogEntry &RemoteSchema::EntryOf(ClientContext &context, Member &member) {
	lock_guard<mutex> guard(lock);
	if (!member.entry) {
		member.entry = MakeRelationEntry(context, *this, *member.relation);
	}
	return *member.entry;
}

optional_ptr<CatalogEntry> RemoteSchema::Find(ClientContext &context, const Identifier &member_name) {
	auto member = members.find(member_name);
	return member == members.end() ? nullptr : &EntryOf(context, member->second);
}

static bool IsRelation(CatalogType type) {
	return type == CatalogType::TABLE_ENTRY || type == CatalogType::VIEW_ENTRY;
}

bool RemoteSchema::Has(CatalogType type, const Identifier &entry_name) const {
	return IsRelation(type) && members.find(entry_name) != members.end();
}

void RemoteSchema::Scan(ClientContext &context, CatalogType type, const std::function<void(CatalogEntry &)> &callback) {
	// Tables and views share a namespace, and a scan for tables yields both, as DuckDB's own schemas do
	auto current = RemoteTransaction::Get(context, catalog).Current(context).FindSchema(name);
	if (!IsRelation(type) || !current) {
		return;
	}
	for (auto &member : current->members) {
		callback(current->EntryOf(context, member.second));
	}
}

void RemoteSchema::Scan(CatalogType type, const std::function<void(CatalogEntry &)> &callback) {
	throw NotImplementedException("A remote schema cannot be scanned without a client");
}

//! The pushdown optimizer asks for names without saying where they are in the statement: it only wants to know whether the
//! statement belongs to the server.
static bool OnlyPlaces(ClientContext &context, const EntryLookupInfo &lookup) {
	return !lookup.GetErrorContext().query_location.IsValid() &&
	       MetaTransaction::Get(context).GetActiveQuery() != MAXIMUM_QUERY_ID;
}

optional_ptr<CatalogEntry> RemoteSchema::LookupEntry(CatalogTransaction transaction, const EntryLookupInfo &lookup) {
	if (!IsRelation(lookup.GetCatalogType())) {
		return nullptr;
	}
	auto &context = transaction.GetContext();
	auto &remote_transaction = RemoteTransaction::Get(context, catalog);
	auto registered = remote_transaction.Registered().Lookup(transaction, *this, lookup);
	if (registered) {
		return registered;
	}
	if (!remote_transaction.IsCurrent() && OnlyPlaces(context, lookup)) {
		auto entry = Find(context, lookup.GetEntryIdentifier());
		if (entry) {
			remote_transaction.Peeked();
			return entry;
		}
	}
	auto current = remote_transaction.Current(context).FindSchema(name);
	return current ? current->Find(context, lookup.GetEntryIdentifier()) : nullptr;
}

//! Send what `info` prints, without the name of this catalog in it.
template <class INFO>
static optional_ptr<CatalogEntry> Create(CatalogTransaction transaction, Catalog &catalog, INFO &info) {
	auto copy = info.Copy();
	copy->StripCatalogQualification();
	NameStoredTables(transaction.GetContext(), catalog.Cast<RemoteCatalog>(), *copy);
	RunRemote(transaction.GetContext(), catalog, copy->ToString());
	// COPY FROM DATABASE creates one after the other in one statement, and each may refer to those before it
	RemoteTransaction::Get(transaction.GetContext(), catalog).InvalidateSnapshot();
	return nullptr;
}

optional_ptr<CatalogEntry> RemoteSchema::CreateTable(CatalogTransaction transaction, BoundCreateTableInfo &info) {
	return Create(transaction, catalog, info.Base());
}

optional_ptr<CatalogEntry> RemoteSchema::CreateView(CatalogTransaction transaction, CreateViewInfo &info) {
	return Create(transaction, catalog, info);
}

optional_ptr<CatalogEntry> RemoteSchema::CreateIndex(CatalogTransaction transaction, CreateIndexInfo &info,
                                                     TableCatalogEntry &) {
	return Create(transaction, catalog, info);
}

optional_ptr<CatalogEntry> RemoteSchema::CreateSequence(CatalogTransaction transaction, CreateSequenceInfo &info) {
	return Create(transaction, catalog, info);
}

optional_ptr<CatalogEntry> RemoteSchema::CreateFunction(CatalogTransaction transaction, CreateFunctionInfo &info) {
	return Create(transaction, catalog, info);
}

optional_ptr<CatalogEntry> RemoteSchema::CreateType(CatalogTransaction transaction, CreateTypeInfo &info) {
	return Create(transaction, catalog, info);
}

void RemoteSchema::DropEntry(ClientContext &context, DropInfo &info) {
	auto copy = info.Copy();
	copy->GetQualifiedNameMutable().StripCatalog();
	NameStoredTables(context, catalog.Cast<RemoteCatalog>(), *copy);
	RunRemote(context, catalog, copy->ToString());
}

void RemoteSchema::Alter(CatalogTransaction transaction, AlterInfo &info) {
	auto copy = info.Copy();
	copy->GetQualifiedNameMutable().StripCatalog();
	NameStoredTables(transaction.GetContext(), catalog.Cast<RemoteCatalog>(), copy->Cast<AlterInfo>());
	RunRemote(transaction.GetContext(), catalog, copy->ToString());
}

} // namespace duckherder
