// What a client connection's statement is about.

#include "statement_state.hpp"

#include "catalog.hpp"
#include "foldable_constants.hpp"
#include "local_inputs.hpp"
#include "transaction.hpp"

#include "duckdb/common/string_util.hpp"
#include "duckdb/main/active_query_context.hpp"
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

//! In lower case. DuckDB tells a binder nothing of an EXPLAIN or PREPARE around its statement.
static string FirstWord(const string &sql) {
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
	auto end = std::find_if_not(sql.begin() + begin, sql.end(), StringUtil::CharacterIsAlpha);
	return StringUtil::Lower(string(sql.begin() + begin, end));
}

namespace {

//! DuckDB shows nobody whether it runs a user's statement as several. An explicit instantiation may name what is private.
template <unique_ptr<ActiveQueryContext> ClientContext::*MEMBER>
struct ActiveQuery {
	friend ActiveQueryContext &ActiveQueryOf(ClientContext &context) {
		return *(context.*MEMBER);
	}
};
ActiveQueryContext &ActiveQueryOf(ClientContext &context);
template struct ActiveQuery<&ClientContext::active_query>;

} // namespace

bool StatementState::IsBoundToExecute(optional_ptr<Binder> binder) const {
	if (!in_query || explains || !binder) {
		return false;
	}
	return executes_prepared || binder->GetBindingMode() == BindingMode::STANDARD_BINDING;
}

void StatementState::QueryBegin(ClientContext &context) {
	in_query = true;
	runner = std::this_thread::get_id();
	auto first_word = FirstWord(context.GetCurrentQuery());
	explains = first_word == "explain";
	prepares = first_word == "prepare";
	is_one_of_several = ActiveQueryOf(context).ExpandsIntoSeveral();
	executes_prepared = false;
	needed_server = nullptr;
	second_attempt = false;
	is_first_plan = true;
}

void StatementState::NeedsServer(RemoteCatalog &catalog) {
	needed_server = catalog;
}

void StatementState::QueryEnd(ClientContext &, optional_ptr<ErrorData> error) {
	in_query = false;
	// While one of DuckDB's threads waited for the server, another one has taken the interrupt for the end of the statement
	if (took_effect && error && error->Type() == ExceptionType::INTERRUPT) {
		*error = ErrorData(ExceptionType::INTERRUPT, "Interrupted too late: the statement took effect");
	}
	took_effect = false;
}

bool StatementState::CanRequestRebind() {
	return RemoteCatalog::AnyAttached();
}

RebindQueryInfo StatementState::OnPlanningError(ClientContext &context, SQLStatement &statement, ErrorData &error) {
	is_first_plan = false;
	auto server = needed_server;
	needed_server = nullptr;
	if (!server) {
		auto folded = error.Type() == ExceptionType::BINDER && ProtectConstants(context, statement);
		return folded ? RebindQueryInfo::ATTEMPT_TO_REBIND : RebindQueryInfo::DO_NOT_REBIND;
	}
	second_attempt = true;
	ExtractLocalInputs(context, *server, statement);
	// What the inputs read from the server, and what it does with them, belongs together
	RemoteTransaction::Get(context, *server).ReadOneSnapshot();
	return RebindQueryInfo::ATTEMPT_TO_REBIND;
}

RebindQueryInfo StatementState::OnFinalizePrepare(ClientContext &, PreparedStatementData &, PreparedStatementMode) {
	is_first_plan = false;
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
