// A client's transaction on an attached server, and the session it runs in.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/main/client_context_state.hpp"
#include "duckdb/transaction/transaction.hpp"
#include "duckdb/transaction/transaction_manager.hpp"

namespace duckherder {

class RemoteCatalog;
class RemoteSnapshot;

//! One client connection's session on one attached server: opened with its first statement, closed with the connection.
class SessionState : public duckdb::ClientContextState {
public:
	explicit SessionState(duckdb::shared_ptr<dh_catalog> remote);
	~SessionState() override;

	//! The session; opens it if it is not open.
	dh_session &Get(duckdb::ClientContext &context);

private:
	//! Outlives the session, also after DETACH
	duckdb::shared_ptr<dh_catalog> remote;
	duckdb::mutex lock;
	dh_session *session = nullptr;
};

class RemoteTransaction : public duckdb::Transaction {
public:
	RemoteTransaction(duckdb::TransactionManager &manager, RemoteCatalog &catalog, duckdb::ClientContext &context);

	static RemoteTransaction &Get(duckdb::ClientContext &context, duckdb::Catalog &catalog);

	//! The session for a statement of this transaction, which from now on may be open on the server.
	dh_session &Session(duckdb::ClientContext &context);
	//! Whether statements have to open a transaction on the server: not in autocommit.
	bool BeginsOnServer() const {
		return !auto_commit;
	}
	//! The remote catalog as this statement sees it: read once per statement.
	RemoteSnapshot &Snapshot(duckdb::ClientContext &context);
	//! Forget the snapshot: this statement has changed the catalog.
	void InvalidateSnapshot();
	//! Commit or roll back on the server, if anything was begun there.
	void End(duckdb::optional_ptr<duckdb::ClientContext> context, bool commit);

private:
	RemoteCatalog &catalog;
	bool auto_commit;
	//! A statement has reached the server, so a transaction may be open there
	bool used = false;
	duckdb::mutex lock;
	duckdb::shared_ptr<SessionState> session;
	//! The last is current. The others are kept because the binder holds references to their entries.
	duckdb::vector<duckdb::shared_ptr<RemoteSnapshot>> snapshots;
	duckdb::transaction_t snapshot_query = duckdb::MAXIMUM_QUERY_ID;
};

class RemoteTransactionManager : public duckdb::TransactionManager {
public:
	RemoteTransactionManager(duckdb::AttachedDatabase &db, RemoteCatalog &catalog);

	duckdb::Transaction &StartTransaction(duckdb::ClientContext &context) override;
	duckdb::ErrorData CommitTransaction(duckdb::ClientContext &context, duckdb::Transaction &transaction) override;
	void RollbackTransaction(duckdb::Transaction &transaction) override;
	void Checkpoint(duckdb::ClientContext &context, bool force) override;

private:
	RemoteCatalog &catalog;
	duckdb::mutex lock;
	duckdb::reference_map_t<duckdb::Transaction, duckdb::unique_ptr<RemoteTransaction>> transactions;
};

} // namespace duckherder
