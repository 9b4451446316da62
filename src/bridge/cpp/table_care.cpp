// Calls of functions that the server has, with the name that it has for the table.

#include "table_care.hpp"

#include "catalog.hpp"
#include "pushed_statement.hpp"
#include "query_function.hpp"

#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/parser/qualified_name.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

//! A table of a server; no table stands for all of them.
struct ServerTable {
	RemoteCatalog &catalog;
	//! As the server knows it
	Value name;
};

ServerTable FindTable(ClientContext &context, const Value &name, const Value &catalog) {
	if (name.IsNull()) {
		return {RemoteCatalog::FindOrOnly(context, catalog), name};
	}
	auto parts = QualifiedName::ParseComponents(StringValue::Get(name));
	optional_ptr<RemoteCatalog> found;
	if (catalog.IsNull() && parts.size() > 1) {
		auto database = DatabaseManager::Get(context).GetDatabase(context, parts[0]);
		if (database && database->GetCatalog().GetCatalogType() == RemoteCatalog::TYPE) {
			found = database->GetCatalog().Cast<RemoteCatalog>();
			parts.erase(parts.begin());
		}
	}
	if (!found) {
		found = RemoteCatalog::FindOrOnly(context, catalog);
	}
	vector<string> quoted;
	for (auto &part : parts) {
		quoted.push_back(SQLIdentifier::ToString(part));
	}
	return {*found, Value(StringUtil::Join(quoted, "."))};
}

unique_ptr<TableRef> Replace(ClientContext &context, TableFunctionBindInput &input, const char *function,
                             const vector<const char *> &options, StatementKind kind) {
	auto table = FindTable(context, input.inputs[0], input.named_parameters["catalog"]);
	auto sql = string("FROM ") + function + "(" + table.name.ToSQLString();
	for (auto option : options) {
		auto &value = input.named_parameters[option];
		if (!value.IsNull()) {
			sql += string(", ") + option + " := " + value.ToSQLString();
		}
	}
	return QueryFunctionCall(table.catalog, make_shared_ptr<PushedStatement>(kind, SentStatement(sql + ")")));
}

constexpr const char *FILES = "duckherder_table_files";
constexpr const char *SNAPSHOTS = "duckherder_snapshots";
constexpr const char *CHECK = "duckherder_check";
constexpr const char *VACUUM = "duckherder_vacuum";
constexpr const char *COMPACT = "duckherder_compact";
constexpr const char *OLDER_THAN = "older_than";
constexpr const char *TARGET_SIZE = "target_size";
constexpr const char *GIVES_WAY = "gives_way";

unique_ptr<TableRef> ReplaceFiles(ClientContext &context, TableFunctionBindInput &input) {
	return Replace(context, input, FILES, {}, StatementKind::QUERY);
}

unique_ptr<TableRef> ReplaceSnapshots(ClientContext &context, TableFunctionBindInput &input) {
	return Replace(context, input, SNAPSHOTS, {}, StatementKind::QUERY);
}

unique_ptr<TableRef> ReplaceCheck(ClientContext &context, TableFunctionBindInput &input) {
	return Replace(context, input, CHECK, {}, StatementKind::QUERY);
}

unique_ptr<TableRef> ReplaceVacuum(ClientContext &context, TableFunctionBindInput &input) {
	return Replace(context, input, VACUUM, {OLDER_THAN}, StatementKind::UNKNOWN);
}

unique_ptr<TableRef> ReplaceCompact(ClientContext &context, TableFunctionBindInput &input) {
	return Replace(context, input, COMPACT, {TARGET_SIZE, GIVES_WAY}, StatementKind::UNKNOWN);
}

TableFunction Make(const char *name, table_function_bind_replace_t replace, bool needs_table) {
	TableFunction function(name, {}, nullptr, nullptr);
	if (needs_table) {
		function.GetSignature().AddParameter("table", LogicalType::VARCHAR);
	} else {
		function.GetSignature().AddParameter("table", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	}
	function.GetSignature().AddKeywordOnly("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	function.bind_replace = replace;
	return function;
}

} // namespace

vector<TableFunction> TableCareFunctions() {
	auto vacuum = Make(VACUUM, ReplaceVacuum, false);
	vacuum.GetSignature().AddKeywordOnly(OLDER_THAN, LogicalType::INTERVAL, Value(LogicalType::INTERVAL));
	auto compact = Make(COMPACT, ReplaceCompact, true);
	compact.GetSignature().AddKeywordOnly(TARGET_SIZE, LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	compact.GetSignature().AddKeywordOnly(GIVES_WAY, LogicalType::BOOLEAN, Value(LogicalType::BOOLEAN));
	return {Make(FILES, ReplaceFiles, true), Make(SNAPSHOTS, ReplaceSnapshots, true), Make(CHECK, ReplaceCheck, false),
	        std::move(vacuum), std::move(compact)};
}

} // namespace duckherder
