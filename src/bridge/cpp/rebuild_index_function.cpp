// The function duckherder_rebuild_index(name).

#include "rebuild_index_function.hpp"

#include "catalog.hpp"
#include "remote_statement.hpp"
#include "server_names.hpp"
#include "transaction.hpp"

#include "duckdb/catalog/catalog_entry/index_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/common/enums/database_modification_type.hpp"
#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"

using namespace duckdb;

namespace duckherder {

static constexpr const char *NAME = "duckherder_rebuild_index";

namespace {

struct RebuildData : public FunctionData {
	RebuildData(RemoteCatalog &catalog, QualifiedName index) : catalog(catalog), index(std::move(index)) {
	}

	unique_ptr<FunctionData> Copy() const override {
		return make_uniq<RebuildData>(catalog, index);
	}
	bool Equals(const FunctionData &other_p) const override {
		auto &other = other_p.Cast<RebuildData>();
		return &catalog == &other.catalog && index == other.index;
	}

	RemoteCatalog &catalog;
	QualifiedName index;
};

} // namespace

//! The one that is attached, for a name that does not say which.
static RemoteCatalog &OnlyCatalog(ClientContext &context) {
	optional_ptr<RemoteCatalog> found;
	for (auto &database : DatabaseManager::Get(context).GetDatabases(context)) {
		auto &catalog = database->GetCatalog();
		if (catalog.GetCatalogType() != RemoteCatalog::TYPE) {
			continue;
		}
		if (found) {
			throw BinderException("%s: more than one server is attached, so say which: %s('%s.index')", NAME, NAME,
			                      catalog.GetName().GetIdentifierName());
		}
		found = catalog.Cast<RemoteCatalog>();
	}
	if (!found) {
		throw BinderException("%s: no server is attached", NAME);
	}
	return *found;
}

static unique_ptr<FunctionData> Bind(BindScalarFunctionInput &input) {
	auto &context = input.GetClientContext();
	auto text = input.GetConstant(0);
	auto has_catalog = input.GetBoundFunction().GetArguments().size() > 1;
	auto catalog_name = has_catalog ? input.GetConstant(1) : Value();
	if (text.IsNull() || (has_catalog && catalog_name.IsNull())) {
		throw BinderException("%s: neither the index nor the catalog may be NULL", NAME);
	}
	auto path = QualifiedName::Parse(text.ToString()).Path();
	optional_ptr<RemoteCatalog> catalog;
	if (has_catalog) {
		catalog = RemoteCatalog::Find(context, catalog_name.ToString());
	} else {
		auto named = path.size() > 1 ? Catalog::GetCatalogEntry(context, path.front()) : nullptr;
		catalog = named ? RemoteCatalog::Find(context, path.front().GetIdentifierName()) : OnlyCatalog(context);
		if (named) {
			path.erase(path.begin());
		}
	}
	auto name = path.back();
	path.pop_back();
	return make_uniq<RebuildData>(*catalog, QualifiedName::FromCatalogSchema(catalog->GetName(), path, name));
}

static void RegisterUse(ClientContext &context, FunctionModifiedDatabasesInput &input) {
	if (input.bind_data) {
		input.properties.RegisterDBModify(input.bind_data->Cast<RebuildData>().catalog, context,
		                                  DatabaseModificationType::CREATE_CATALOG_ENTRY |
		                                      DatabaseModificationType::DROP_CATALOG_ENTRY);
	}
}

static void Rebuild(ClientContext &context, const RebuildData &data) {
	auto &transaction = RemoteTransaction::Get(context, data.catalog);
	// As one transaction of the server, also where the client has none open
	transaction.ReadOneSnapshot();
	EntryLookupInfo lookup(CatalogType::INDEX_ENTRY, data.index);
	auto entry = Catalog::GetEntry(context, lookup, OnEntryNotFound::THROW_EXCEPTION);
	auto &index = entry->Cast<IndexCatalogEntry>();
	auto name = ServerName(index.ParentSchema(), index.name);
	auto create = index.GetInfo();
	NameForServer(context, data.catalog, *create);
	RunRemote(context, data.catalog, "DROP INDEX " + name);
	RunRemote(context, data.catalog, create->ToString());
	if (!index.comment.IsNull()) {
		RunRemote(context, data.catalog, "COMMENT ON INDEX " + name + " IS " + index.comment.ToSQLString());
	}
	transaction.InvalidateSnapshot();
}

static void Run(DataChunk &args, ExpressionState &state, Vector &result) {
	auto &data = state.expr.Cast<BoundFunctionExpression>().BindInfo()->Cast<RebuildData>();
	result.SetVectorType(VectorType::FLAT_VECTOR);
	auto values = FlatVector::Writer<bool>(result, args.size());
	for (idx_t row = 0; row < args.size(); row++) {
		Rebuild(state.GetContext(), data);
		values.WriteValue(true);
	}
}

ScalarFunctionSet RebuildIndexFunction() {
	ScalarFunctionSet set {Identifier(NAME)};
	ScalarFunction function(Identifier(NAME), {}, LogicalType::BOOLEAN, Run, Bind);
	function.GetSignature().AddParameter("name", LogicalType::VARCHAR);
	function.SetModifiedDatabasesCallback(RegisterUse);
	function.SetNullHandling(FunctionNullHandling::SPECIAL_HANDLING);
	function.SetVolatile();
	function.SetFallible();
	set.AddFunction(function);
	function.GetSignature().AddParameter("catalog", LogicalType::VARCHAR);
	set.AddFunction(function);
	return set;
}

} // namespace duckherder
