// A client connection's session on an attached server.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/main/client_context_state.hpp"

namespace duckherder {

class RemoteTransaction;

//! One client connection's session on one attached server: opened with its first statement, closed with the connection.
class SessionState : public duckdb::ClientContextState {
public:
	explicit SessionState(duckdb::shared_ptr<dh_catalog> remote);
	~SessionState() override;

	//! The session; opens it if it is not open.
	dh_session &Get(duckdb::ClientContext &context);
	//! The session, if it is open.
	duckdb::optional_ptr<dh_session> TryGet();
	//! The server was detached.
	void Close();
	//! The transaction that the connection has open on the server's catalog, or null.
	void SetTransaction(duckdb::optional_ptr<RemoteTransaction> transaction);

	void QueryBegin(duckdb::ClientContext &context) override;
	duckdb::RebindQueryInfo OnPlanningError(duckdb::ClientContext &context, duckdb::SQLStatement &statement,
	                                        duckdb::ErrorData &error) override;
	duckdb::RebindQueryInfo OnFinalizePrepare(duckdb::ClientContext &context, duckdb::PreparedStatementData &prepared,
	                                          duckdb::PreparedStatementMode mode) override;

private:
	//! Outlives the session, also after DETACH
	duckdb::shared_ptr<dh_catalog> remote;
	duckdb::mutex lock;
	dh_session *session = nullptr;
	//! Touched by the connection's own thread only, while it plans
	duckdb::optional_ptr<RemoteTransaction> transaction;
};

} // namespace duckherder
