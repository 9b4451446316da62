// DuckDB's own macros in statements that servers execute.

#include "builtin_macros.hpp"

#include "catalog.hpp"

#include "duckdb/catalog/catalog_entry/duck_schema_entry.hpp"
#include "duckdb/catalog/catalog_entry/scalar_macro_catalog_entry.hpp"
#include "duckdb/catalog/duck_catalog.hpp"
#include "duckdb/function/scalar_macro_function.hpp"
#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/parser/parsed_data/create_macro_info.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

//! What DuckDB's pushdown asks whether a macro may be evaluated elsewhere: in all else the system catalog.
class PushedMacros : public DuckCatalog {
public:
	explicit PushedMacros(AttachedDatabase &db) : DuckCatalog(db) {
	}

	bool Supports(RemoteCapability capability) const override {
		return capability == RemoteCapability::EXECUTE_QUERY_NODE && AllServersAreOurs();
	}

private:
	//! Remote catalogs of other extensions may be no DuckDB
	bool AllServersAreOurs() const {
		auto &manager = DatabaseManager::Get(const_cast<PushedMacros &>(*this).GetDatabase());
		idx_t ours = 0;
		for (auto &database : manager.GetDatabases()) {
			ours += database->GetCatalog().GetCatalogType() == RemoteCatalog::TYPE;
		}
		return ours == manager.GetRemoteCatalogCount();
	}
};

class PushedMacro : public ScalarMacroCatalogEntry {
public:
	PushedMacro(shared_ptr<PushedMacros> catalog_p, SchemaCatalogEntry &schema, CreateMacroInfo &info)
	    : ScalarMacroCatalogEntry(*catalog_p, schema, info), owned_catalog(std::move(catalog_p)) {
	}

private:
	const shared_ptr<PushedMacros> owned_catalog;
};

//! Only DuckDB itself may put an entry above another one. An explicit instantiation may name what is private.
using CreateEntry = bool (CatalogSet::*)(CatalogTransaction, const Identifier &, unique_ptr<CatalogEntry>,
                                         unique_lock<mutex> &, bool);
template <CreateEntry MEMBER>
struct EntryAccess {
	friend CreateEntry CreateEntryOf() {
		return MEMBER;
	}
};
CreateEntry CreateEntryOf();
template struct EntryAccess<&CatalogSet::CreateEntryInternal>;

} // namespace

static void PutAbove(CatalogSet &set, CatalogTransaction transaction, unique_ptr<CatalogEntry> entry) {
	lock_guard<mutex> write_lock(set.GetCatalog().GetWriteLock());
	unique_lock<mutex> read_lock(set.GetCatalogLock());
	auto name = entry->name;
	(set.*CreateEntryOf())(transaction, name, std::move(entry), read_lock, false);
}

static bool ReadsTables(const ParsedExpression &expression) {
	if (expression.GetExpressionClass() == ExpressionClass::SUBQUERY) {
		return true;
	}
	bool found = false;
	ParsedExpressionIterator::EnumerateChildren(
	    expression, [&](const ParsedExpression &child) { found = found || ReadsTables(child); });
	return found;
}

//! What has no arguments tells something of the client: its user, its database. What reads tables, too.
static bool MeansTheSameAnywhere(const MacroCatalogEntry &entry) {
	return std::all_of(entry.macros.begin(), entry.macros.end(), [](const unique_ptr<MacroFunction> &macro) {
		return macro->type == MacroType::SCALAR_MACRO && !macro->parameters.empty() &&
		       !ReadsTables(*macro->Cast<ScalarMacroFunction>().expression);
	});
}

static DuckSchemaEntry &BuiltinSchema(DatabaseInstance &database, CatalogTransaction transaction) {
	auto &system = Catalog::GetSystemCatalog(database);
	return system.GetSchema(transaction, Identifier(DEFAULT_SCHEMA)).Cast<DuckSchemaEntry>();
}

void PushBuiltinMacros(ClientContext &context) {
	auto &database = DatabaseInstance::GetDatabase(context);
	auto transaction = CatalogTransaction::GetSystemTransaction(database);
	auto &schema = BuiltinSchema(database, transaction);
	auto &set = schema.GetCatalogSet(CatalogType::MACRO_ENTRY);
	vector<reference<MacroCatalogEntry>> macros;
	// DuckDB makes these entries when they are first asked for, and only with a context
	set.Scan(context, [&](CatalogEntry &entry) {
		if (entry.type == CatalogType::MACRO_ENTRY && entry.internal && !dynamic_cast<PushedMacro *>(&entry) &&
		    MeansTheSameAnywhere(entry.Cast<MacroCatalogEntry>())) {
			macros.push_back(entry.Cast<MacroCatalogEntry>());
		}
	});
	auto catalog = make_shared_ptr<PushedMacros>(schema.ParentCatalog().GetAttached());
	for (auto &macro : macros) {
		auto &entry = macro.get();
		auto info = entry.GetInfo();
		auto &macro_info = info->Cast<CreateMacroInfo>();
		macro_info.internal = entry.internal;
		macro_info.temporary = entry.temporary;
		auto pushed = make_uniq<PushedMacro>(catalog, schema, macro_info);
		pushed->descriptions = entry.descriptions;
		pushed->oid = entry.oid;
		pushed->timestamp = entry.timestamp.load();
		pushed->set = &set;
		PutAbove(set, transaction, std::move(pushed));
	}
}

bool IsBuiltinFunction(DatabaseInstance &database, const Identifier &name) {
	auto transaction = CatalogTransaction::GetSystemTransaction(database);
	return BuiltinSchema(database, transaction).GetEntry(transaction, CatalogType::SCALAR_FUNCTION_ENTRY, name);
}

} // namespace duckherder
