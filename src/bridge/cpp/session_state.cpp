// A client connection's session on an attached server.

#include "session_state.hpp"

#include "plan_sources.hpp"
#include "query_function.hpp"
#include "transaction.hpp"

#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/main/prepared_statement_data.hpp"

using namespace duckdb;

namespace duckherder {

SessionState::SessionState(shared_ptr<dh_catalog> remote_p) : remote(std::move(remote_p)) {
}

SessionState::~SessionState() {
	Close();
}

dh_session &SessionState::Get(ClientContext &context) {
	lock_guard<mutex> guard(lock);
	if (!session) {
		Interrupt interrupt(context);
		Check(Rust().session_open(remote.get(), &interrupt, &session));
	}
	return *session;
}

optional_ptr<dh_session> SessionState::TryGet() {
	lock_guard<mutex> guard(lock);
	return session;
}

void SessionState::Close() {
	lock_guard<mutex> guard(lock);
	if (session) {
		Rust().session_free(session);
		session = nullptr;
	}
}

void SessionState::SetTransaction(optional_ptr<RemoteTransaction> transaction_p) {
	transaction = transaction_p;
}

void SessionState::QueryBegin(ClientContext &) {
	if (transaction) {
		transaction->BeginStatement();
	}
}

RebindQueryInfo SessionState::OnPlanningError(ClientContext &context, SQLStatement &, ErrorData &) {
	if (!transaction || !transaction->HasPeeked()) {
		return RebindQueryInfo::DO_NOT_REBIND;
	}
	try {
		if (!transaction->Refresh(context)) {
			return RebindQueryInfo::DO_NOT_REBIND;
		}
	} catch (const Exception &) {
		// The error that the user waits for is the first one
		return RebindQueryInfo::DO_NOT_REBIND;
	}
	// DuckDB does not ask `OnFinalizePrepare` of a plan that was bound again
	transaction->ReadOneSnapshot();
	return RebindQueryInfo::ATTEMPT_TO_REBIND;
}

RebindQueryInfo SessionState::OnFinalizePrepare(ClientContext &context, PreparedStatementData &prepared,
                                                PreparedStatementMode) {
	if (!transaction || !prepared.physical_plan) {
		return RebindQueryInfo::DO_NOT_REBIND;
	}
	auto sources = PlanSources::Of(prepared.physical_plan->Root(), transaction->GetCatalog());
	if (transaction->HasPeeked() && sources.RelyOnEntries() && transaction->Refresh(context)) {
		transaction->ReadOneSnapshot();
		return RebindQueryInfo::ATTEMPT_TO_REBIND;
	}
	if (sources.AreReadTogether()) {
		transaction->ReadOneSnapshot();
	}
	return ConfirmExpected(context, prepared, transaction->GetCatalog()) ? RebindQueryInfo::DO_NOT_REBIND
	                                                                     : RebindQueryInfo::ATTEMPT_TO_REBIND;
}

} // namespace duckherder
