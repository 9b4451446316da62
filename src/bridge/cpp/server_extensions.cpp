// The table function duckherder_server_extensions([catalog]).

#include "server_extensions.hpp"

#include "catalog.hpp"
#include "pushed_statement.hpp"
#include "query_function.hpp"

using namespace duckdb;

namespace duckherder {

static const string EXTENSIONS_SQL = "SELECT extension_name, loaded, installed, install_path, description, aliases, "
                                     "extension_version, install_mode, installed_from FROM duckdb_extensions()";

static unique_ptr<TableRef> BindReplace(ClientContext &context, TableFunctionBindInput &input) {
	auto &catalog = RemoteCatalog::FindOrOnly(context, input.inputs[0]);
	SentStatement sent(EXTENSIONS_SQL);
	return QueryFunctionCall(catalog, make_shared_ptr<PushedStatement>(StatementKind::QUERY, std::move(sent)));
}

TableFunction ServerExtensions() {
	TableFunction function("duckherder_server_extensions", {}, nullptr, nullptr);
	function.GetSignature().AddParameter("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	function.bind_replace = BindReplace;
	return function;
}

} // namespace duckherder
