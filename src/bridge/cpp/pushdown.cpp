// Whole statements that run on the server.

#include "catalog.hpp"
#include "foldable_constants.hpp"
#include "local_inputs.hpp"
#include "parsed_visitor.hpp"
#include "pushed_statement.hpp"
#include "query_function.hpp"
#include "remote_stream.hpp"
#include "server_names.hpp"
#include "snapshot.hpp"
#include "statement_kind.hpp"
#include "statement_state.hpp"

#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/expression/window_expression.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"
#include "duckdb/parser/tableref.hpp"
#include "duckdb/parser/tableref/at_clause.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"

#include <dlfcn.h>

using namespace duckdb;

namespace duckherder {

bool RemoteCatalog::Supports(RemoteCapability) const {
	return true;
}

//! DuckDB 2.0.0 folds nested constants among the arguments of a table function twice, and then asks of the ones that it has freed. Such a
//! one has no virtual table any more, whose address is that of a library's.
static bool IsAlive(const ParsedExpression &expression) {
	Dl_info library;
	return dladdr(*reinterpret_cast<void *const *>(&expression), &library) != 0;
}

bool RemoteCatalog::SupportsPushdown(const ParsedExpression &expression) {
	if (!IsAlive(expression)) {
		// It was a constant
		return true;
	}
	switch (expression.GetExpressionClass()) {
	case ExpressionClass::FUNCTION:
		return SupportsCall(expression.Cast<FunctionExpression>().GetQualifiedName());
	case ExpressionClass::WINDOW:
		return SupportsCall(expression.Cast<WindowExpression>().GetQualifiedName());
	default:
		return true;
	}
}

static bool IsBuiltinFunction(DatabaseInstance &database, const Identifier &name) {
	auto transaction = CatalogTransaction::GetSystemTransaction(database);
	auto &schema = Catalog::GetSystemCatalog(database).GetSchema(transaction, Identifier(DEFAULT_SCHEMA));
	return schema.GetEntry(transaction, CatalogType::SCALAR_FUNCTION_ENTRY, name) != nullptr;
}

//! Turns away functions and macros that only this client has.
bool RemoteCatalog::SupportsCall(const QualifiedName &name) {
	if (name.Path().size() == 1) {
		// Before its own functions, the server finds macros that somebody has made there; the client does not mean them
		auto snapshot = LastSnapshot();
		if (snapshot && snapshot->Has(CatalogType::MACRO_ENTRY, name.Name()) &&
		    IsBuiltinFunction(GetDatabase(), name.Name())) {
			return false;
		}
	}
	return ServerHasFunction(name.Name(), CatalogType::MACRO_ENTRY);
}

//! The clause is bound here otherwise: nobody looks into it for parameters, variables and functions that only the client has.
static bool IsConstant(const ParsedExpression &expression) {
	if (expression.GetExpressionClass() == ExpressionClass::CAST) {
		return IsConstant(expression.Cast<CastExpression>().Child());
	}
	return expression.GetExpressionClass() == ExpressionClass::CONSTANT;
}

bool RemoteCatalog::SupportsPushdown(const TableRef &ref) {
	if (ref.type == TableReferenceType::BASE_TABLE) {
		auto &at = ref.Cast<BaseTableRef>().at_clause;
		return !at || IsConstant(*at->ExpressionMutable());
	}
	if (ref.type == TableReferenceType::TABLE_FUNCTION) {
		auto &call = ref.Cast<TableFunctionRef>();
		if (IsLocalInput(ref)) {
			return true;
		}
		// Input that lives in this process cannot travel
		auto &name = call.function->Cast<FunctionExpression>().FunctionName();
		return !call.bind_info && ServerHasFunction(name, CatalogType::TABLE_MACRO_ENTRY);
	}
	return ref.type != TableReferenceType::COLUMN_DATA;
}

bool RemoteCatalog::SupportsPushdown(const QueryNode &) {
	return true;
}

bool RemoteCatalog::SupportsPushdown(const SQLStatement &statement) {
	// CREATE TABLE AS with parameters: its query is run here, with their values, and its rows are loaded
	return statement.named_param_map.empty();
}

unique_ptr<TableRef> RemoteCatalog::RemoteExecute(ClientContext &context, unique_ptr<QueryNode> node) {
	DropFoldedOrders(*node);
	NameStoredTables(context, *this, *node);
	NameForServer(context, *this, *node);
	auto pushed = make_shared_ptr<PushedStatement>(std::move(node));
	if (pushed->HasParameters() && pushed->inputs.empty() && StatementState::Of(context).Prepares()) {
		// The call is bound only with values; what is wrong with the statement has to be said now
		RemoteStream(context, *this, pushed->sent, DH_EXECUTE_DESCRIBE, false);
	}
	return QueryFunctionCall(*this, std::move(pushed));
}

unique_ptr<TableRef> RemoteCatalog::RemoteExecute(ClientContext &context, unique_ptr<SQLStatement> statement) {
	if (auto node = NodeOf(*statement)) {
		DropFoldedOrders(*node);
	}
	NameStoredTables(context, *this, *statement);
	NameForServer(context, *this, *statement);
	auto kind = KindOf(*statement);
	SentStatement sent(shared_ptr<SQLStatement>(std::move(statement)));
	return QueryFunctionCall(*this, make_shared_ptr<PushedStatement>(kind, std::move(sent)));
}

unique_ptr<TableRef> RemoteCatalog::RemoteExecute(ClientContext &, const string &sql) {
	return QueryFunctionCall(*this, make_shared_ptr<PushedStatement>(KindOf(sql), SentStatement::AsWritten(sql)));
}

} // namespace duckherder
