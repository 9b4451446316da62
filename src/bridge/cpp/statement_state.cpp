// What a client connection's statement is about.

#include "statement_state.hpp"

#include "catalog.hpp"
#include "foldable_constants.hpp"
#include "local_inputs.hpp"
#include "transaction.hpp"

#include "duckdb/common/string_util.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/main/connection_manager.hpp"
#include "duckdb/main/prepared_statement_data.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/extension_callback.hpp"

using namespace duckdb;

namespace duckherder {

StatementState &StatementState::Of(ClientContext &context) {
	return *context.registered_state->GetOrCreate<StatementState>("duckherder_statement");
}

//! DuckDB tells a binder nothing of an EXPLAIN around its statement.
static bool BeginsWithExplain(const string &sql) {
	static const string EXPLAIN = "explain";
	idx_t begin = 0;
	while (begin < sql.size()) {
		if (StringUtil::CharacterIsSpace(sql[begin])) {
			begin++;
		} else if (sql.compare(begin, 2, "--") == 0) {
			begin = MinValue(sql.find('\n', begin), sql.size());
		} else if (sql.compare(begin, 2, "/*") == 0) {
			auto end = sql.find("*/", begin);
			begin = end == string::npos ? sql.size() : end + 2;
		} else {
			break;
		}
	}
	return StringUtil::Lower(sql.substr(begin, EXPLAIN.size())) == EXPLAIN;
}

bool StatementState::IsBoundToExecute(optional_ptr<Binder> binder) const {
	if (!in_query || explains || !binder) {
		return false;
	}
	return executes_prepared || binder->GetBindingMode() == BindingMode::STANDARD_BINDING;
}

void StatementState::SetParameterCount(idx_t count) {
	parameter_count = count;
}

void StatementState::QueryBegin(ClientContext &context) {
	in_query = true;
	explains = BeginsWithExplain(context.GetCurrentQuery());
	executes_prepared = false;
	parameter_count = 0;
	needed_server = nullptr;
	second_attempt = false;
}

void StatementState::NeedsServer(RemoteCatalog &catalog) {
	needed_server = catalog;
}

void StatementState::QueryEnd() {
	in_query = false;
}

bool StatementState::CanRequestRebind() {
	return RemoteCatalog::AnyAttached();
}

RebindQueryInfo StatementState::OnPlanningError(ClientContext &context, SQLStatement &statement, ErrorData &error) {
	auto server = needed_server;
	needed_server = nullptr;
	if (!server) {
		auto folded = error.Type() == ExceptionType::BINDER && ProtectConstants(context, statement);
		return folded ? RebindQueryInfo::ATTEMPT_TO_REBIND : RebindQueryInfo::DO_NOT_REBIND;
	}
	second_attempt = true;
	auto has_inputs = ExtractLocalInputs(context, *server, statement);
	if (has_inputs && !statement.named_param_map.empty() && statement.type != StatementType::EXECUTE_STATEMENT) {
		// Pushed down in the second attempt, it would lose the count of its parameters
		throw NotImplementedException("A statement with parameters that changes a table of the server \"%s\" cannot read "
		                              "anything of this client, unless it is prepared: PREPARE and EXECUTE it",
		                              server->GetName().GetIdentifierName());
	}
	// What the inputs read from the server, and what it does with them, belongs together
	RemoteTransaction::Get(context, *server).ReadOneSnapshot();
	return RebindQueryInfo::ATTEMPT_TO_REBIND;
}

RebindQueryInfo StatementState::OnFinalizePrepare(ClientContext &, PreparedStatementData &prepared,
                                                  PreparedStatementMode) {
	// A statement that was pushed in part has kept its own count
	if (prepared.properties.parameter_count == 0) {
		prepared.properties.parameter_count = parameter_count;
	}
	parameter_count = 0;
	return RebindQueryInfo::DO_NOT_REBIND;
}

RebindQueryInfo StatementState::OnRebindPreparedStatement(ClientContext &, BindPreparedStatementCallbackInfo &info,
                                                          RebindQueryInfo) {
	executes_prepared = true;
	explains = explains || info.prepared_statement.statement_type == StatementType::EXPLAIN_STATEMENT;
	return RebindQueryInfo::DO_NOT_REBIND;
}

namespace {

struct ConnectionCallback : public ExtensionCallback {
	void OnConnectionOpened(ClientContext &context) override {
		StatementState::Of(context);
	}
};

} // namespace

void RegisterStatementState(DatabaseInstance &database) {
	ExtensionCallback::Register(DBConfig::GetConfig(database), make_shared_ptr<ConnectionCallback>());
	for (auto &context : ConnectionManager::Get(database).GetConnectionList()) {
		StatementState::Of(*context);
	}
}

} // namespace duckherder
