// A schema of an attached server.

#include "schema_entry.hpp"

#include "catalog.hpp"
#include "remote_statement.hpp"
#include "server_names.hpp"
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

RemoteSchema::RemoteSchema(RemoteSnapshot &snapshot_p, Catalog &catalog, CreateSchemaInfo &info,
                           optional_ptr<RemoteSchema> parent)
    : SchemaCatalogEntry(catalog, info, parent.get()), snapshot(snapshot_p) {
}

RemoteSchema::Set RemoteSchema::SetOf(CatalogType type) {
	switch (type) {
	case CatalogType::TABLE_ENTRY:
	case CatalogType::VIEW_ENTRY:
		return RELATIONS;
	case CatalogType::INDEX_ENTRY:
		return INDEXES;
	case CatalogType::SEQUENCE_ENTRY:
		return SEQUENCES;
	case CatalogType::TYPE_ENTRY:
		return TYPES;
	case CatalogType::MACRO_ENTRY:
	case CatalogType::SCALAR_FUNCTION_ENTRY:
	case CatalogType::AGGREGATE_FUNCTION_ENTRY:
	case CatalogType::WINDOW_FUNCTION_ENTRY:
		return FUNCTIONS;
	case CatalogType::TABLE_MACRO_ENTRY:
	case CatalogType::TABLE_FUNCTION_ENTRY:
		return TABLE_FUNCTIONS;
	default:
		return SET_COUNT;
	}
}

RemoteSchema::Set RemoteSchema::SetOf(const dh_entry &entry) {
	switch (entry.kind) {
	case DH_ENTRY_TABLE:
	case DH_ENTRY_VIEW:
		return RELATIONS;
	case DH_ENTRY_INDEX:
		return INDEXES;
	case DH_ENTRY_SEQUENCE:
		return SEQUENCES;
	case DH_ENTRY_TYPE:
		return TYPES;
	case DH_ENTRY_MACRO:
		return FUNCTIONS;
	case DH_ENTRY_TABLE_MACRO:
		return TABLE_FUNCTIONS;
	default:
		return SET_COUNT;
	}
}

void RemoteSchema::Add(const dh_entry &entry) {
	auto set = SetOf(entry);
	if (set != SET_COUNT) {
		sets[set][Identifier(ToString(entry.name))].entry = &entry;
	}
}

void RemoteSchema::AddChild(RemoteSchema &child) {
	children.insert(make_pair(child.name, reference<RemoteSchema>(child)));
}

bool RemoteSchema::Has(CatalogType type, const Identifier &entry_name) const {
	auto set = SetOf(type);
	return set != SET_COUNT && sets[set].find(entry_name) != sets[set].end();
}

bool RemoteSchema::Update(const dh_entry &entry, const EntryState &state) {
	auto &set = sets[SetOf(entry)];
	auto member = set.find(Identifier(ToString(entry.name)));
	lock_guard<mutex> guard(lock);
	return member != set.end() && member->second.listed && UpdateEntry(*member->second.listed, state);
}

CatalogEntry &RemoteSchema::EntryOf(ClientContext &context, Member &member, EntryUse use) {
	auto kind = member.entry->kind;
	lock_guard<mutex> guard(lock);
	auto &entry = use == EntryUse::BIND && DiffersByUse(kind) ? member.bound : member.listed;
	if (!entry) {
		entry = MakeEntry(context, *this, *member.entry, use);
		auto state = snapshot.StateOf(*member.entry);
		if (state) {
			UpdateEntry(*entry, *state);
		}
	}
	return *entry;
}

optional_ptr<CatalogEntry> RemoteSchema::Find(ClientContext &context, CatalogType type, const Identifier &entry_name) {
	if (type == CatalogType::SCHEMA_ENTRY) {
		auto child = children.find(entry_name);
		return child == children.end() ? nullptr : &child->second.get();
	}
	auto &set = sets[SetOf(type)];
	auto member = set.find(entry_name);
	return member == set.end() ? nullptr : &EntryOf(context, member->second, EntryUse::BIND);
}

optional_ptr<RemoteSchema> RemoteSchema::CurrentSelf(ClientContext &context) {
	return RemoteTransaction::Get(context, catalog).Current(context).FindSchema(GetSchemaPath());
}

void RemoteSchema::Scan(ClientContext &context, CatalogType type, const std::function<void(CatalogEntry &)> &callback) {
	auto set = SetOf(type);
	if (set == SET_COUNT && type != CatalogType::SCHEMA_ENTRY) {
		return;
	}
	if (set == RELATIONS || set == SEQUENCES) {
		RemoteTransaction::Get(context, catalog).RefreshStates(context);
	}
	auto current = CurrentSelf(context);
	if (!current) {
		return;
	}
	if (type == CatalogType::SCHEMA_ENTRY) {
		for (auto &child : current->children) {
			callback(child.second.get());
		}
		return;
	}
	// In the order of their names, as DuckDB's own schemas yield them. A scan for tables yields views too, as theirs does
	vector<reference<Member>> members;
	for (auto &member : current->sets[set]) {
		members.push_back(member.second);
	}
	std::sort(members.begin(), members.end(), [](const Member &left, const Member &right) {
		return ToString(left.entry->name) < ToString(right.entry->name);
	});
	for (auto &member : members) {
		callback(current->EntryOf(context, member.get(), EntryUse::LIST));
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

//! DuckDB itself has something of that name: the search goes on there, and costs no question to the server.
static bool IsBuiltIn(ClientContext &context, CatalogType type, const Identifier &name) {
	auto &system = Catalog::GetSystemCatalog(context);
	CatalogTransaction transaction(system, context);
	for (auto schema_name : {DEFAULT_SCHEMA, "pg_catalog"}) {
		auto schema = system.GetSchema(transaction, Identifier(schema_name), OnEntryNotFound::RETURN_NULL);
		if (schema && schema->GetEntry(transaction, type, name)) {
			return true;
		}
	}
	return false;
}

optional_ptr<CatalogEntry> RemoteSchema::LookupEntry(CatalogTransaction transaction, const EntryLookupInfo &lookup) {
	auto type = lookup.GetCatalogType();
	auto &entry_name = lookup.GetEntryIdentifier();
	auto set = SetOf(type);
	if (set == SET_COUNT && type != CatalogType::SCHEMA_ENTRY) {
		return nullptr;
	}
	auto &context = transaction.GetContext();
	auto &remote_transaction = RemoteTransaction::Get(context, catalog);
	auto registered =
	    set == RELATIONS ? remote_transaction.Registered().Lookup(transaction, *this, lookup) : nullptr;
	if (registered) {
		return registered;
	}
	if (!remote_transaction.IsCurrent()) {
		if (OnlyPlaces(context, lookup)) {
			auto entry = Find(context, type, entry_name);
			if (entry) {
				remote_transaction.Peeked();
				return entry;
			}
		}
		auto may_be_ours = set == RELATIONS || type == CatalogType::SCHEMA_ENTRY || Has(type, entry_name);
		if (!may_be_ours && IsBuiltIn(context, type, entry_name)) {
			return nullptr;
		}
	}
	auto current = CurrentSelf(context);
	return current ? current->Find(context, type, entry_name) : nullptr;
}

SimilarCatalogEntry RemoteSchema::GetSimilarEntry(CatalogTransaction, const EntryLookupInfo &lookup) {
	// A hint is not worth a question to the server
	SimilarCatalogEntry result;
	auto set = SetOf(lookup.GetCatalogType());
	if (set == SET_COUNT) {
		return result;
	}
	for (auto &member : sets[set]) {
		auto score = StringUtil::SimilarityRating(member.first.GetIdentifierName(), lookup.GetEntryName());
		if (score > result.score) {
			result.score = score;
			result.name = Identifier(ToString(member.second.entry->name));
		}
	}
	return result;
}

//! Send what `info` prints, without the name of this catalog in it.
template <class INFO>
static optional_ptr<CatalogEntry> Create(CatalogTransaction transaction, Catalog &catalog, INFO &info) {
	auto copy = info.Copy();
	NameStoredTables(transaction.GetContext(), catalog.Cast<RemoteCatalog>(), *copy);
	NameForServer(transaction.GetContext(), catalog.Cast<RemoteCatalog>(), *copy);
	RunRemote(transaction.GetContext(), catalog, copy->ToString());
	// COPY FROM DATABASE creates one after the other in one statement, and each may refer to those before it
	RemoteTransaction::Get(transaction.GetContext(), catalog).InvalidateSnapshot();
	return nullptr;
}

optional_ptr<CatalogEntry> RemoteSchema::CreateTable(CatalogTransaction transaction, BoundCreateTableInfo &info) {
	auto result = Create(transaction, catalog, info.Base());
	auto &table = info.Base().GetQualifiedName().Name();
	for (auto &index : RemoteTransaction::Get(transaction.GetContext(), catalog).TakeIndexesOf(name, table)) {
		Create(transaction, catalog, *index);
	}
	return result;
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
	auto copy = unique_ptr_cast<ParseInfo, DropInfo>(info.Copy());
	NameStoredTables(context, catalog.Cast<RemoteCatalog>(), *copy);
	NameForServer(context, catalog.Cast<RemoteCatalog>(), *copy);
	RunRemote(context, catalog, copy->ToString());
}

void RemoteSchema::Alter(CatalogTransaction transaction, AlterInfo &info) {
	auto copy = info.Copy();
	NameStoredTables(transaction.GetContext(), catalog.Cast<RemoteCatalog>(), copy->Cast<AlterInfo>());
	NameForServer(transaction.GetContext(), catalog.Cast<RemoteCatalog>(), *copy);
	RunRemote(transaction.GetContext(), catalog, copy->ToString());
}

} // namespace duckherder
