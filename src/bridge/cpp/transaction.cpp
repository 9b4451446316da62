// A client's transaction on an attached server, and the session it runs in.

#include "transaction.hpp"

#include "catalog.hpp"
#include "remote_statement.hpp"
#include "snapshot.hpp"

#include "duckdb/main/attached_database.hpp"
#include "duckdb/transaction/meta_transaction.hpp"

using namespace duckdb;

namespace duckherder {

SessionState::SessionState(shared_ptr<dh_catalog> remote_p) : remote(std::move(remote_p)) {
}

SessionState::~SessionState() {
	if (session) {
		Rust().session_free(session);
	}
}

dh_session &SessionState::Get(ClientContext &context) {
	lock_guard<mutex> guard(lock);
	if (!session) {
		Interrupt interrupt(context);
		Check(Rust().session_open(remote.get(), &interrupt, &session));
	}
	return *session;
}

RemoteTransaction::RemoteTransaction(TransactionManager &manager, RemoteCatalog &catalog_p, ClientContext &context)
    : Transaction(manager, context), catalog(catalog_p), auto_commit(context.transaction.IsAutoCommit()),
      session(catalog_p.SessionOf(context)) {
}

RemoteTransaction &RemoteTransaction::Get(ClientContext &context, Catalog &catalog) {
	return Transaction::Get(context, catalog).Cast<RemoteTransaction>();
}

dh_session &RemoteTransaction::Session(ClientContext &context) {
	auto &opened = session->Get(context);
	lock_guard<mutex> guard(lock);
	used = true;
	return opened;
}

RemoteSnapshot &RemoteTransaction::Snapshot(ClientContext &context) {
	auto query = MetaTransaction::Get(context).GetActiveQuery();
	{
		lock_guard<mutex> guard(lock);
		if (!snapshots.empty() && snapshot_query == query) {
			return *snapshots.back();
		}
	}
	auto &opened = Session(context);
	Interrupt interrupt(context);
	auto known = snapshots.empty() ? catalog.CurrentSnapshot() : snapshots.back();
	auto known_version = known ? known->Version() : 0;
	dh_snapshot *fresh = nullptr;
	Check(Rust().session_snapshot(&opened, BeginsOnServer(), known ? &known_version : nullptr, &interrupt, &fresh));
	if (fresh) {
		known = make_shared_ptr<RemoteSnapshot>(catalog, fresh);
		if (!known->IsTransactionLocal()) {
			catalog.SetCurrentSnapshot(known);
		}
	}
	lock_guard<mutex> guard(lock);
	if (snapshots.empty() || snapshots.back() != known) {
		snapshots.push_back(known);
	}
	snapshot_query = query;
	return *snapshots.back();
}

void RemoteTransaction::InvalidateSnapshot() {
	lock_guard<mutex> guard(lock);
	snapshot_query = MAXIMUM_QUERY_ID;
}

void RemoteTransaction::End(optional_ptr<ClientContext> context, bool commit) {
	if (!used || auto_commit) {
		return;
	}
	// A rollback must reach the server even when the user has interrupted the statement before it
	if (context && commit) {
		Interrupt interrupt(*context);
		Check(Rust().session_end_transaction(&session->Get(*context), commit, &interrupt));
		return;
	}
	auto locked = this->context.lock();
	if (locked) {
		Check(Rust().session_end_transaction(&session->Get(*locked), commit, nullptr));
	}
}

RemoteTransactionManager::RemoteTransactionManager(AttachedDatabase &db, RemoteCatalog &catalog_p)
    : TransactionManager(db), catalog(catalog_p) {
}

Transaction &RemoteTransactionManager::StartTransaction(ClientContext &context) {
	auto transaction = make_uniq<RemoteTransaction>(*this, catalog, context);
	auto &result = *transaction;
	lock_guard<mutex> guard(lock);
	transactions[result] = std::move(transaction);
	return result;
}

ErrorData RemoteTransactionManager::CommitTransaction(ClientContext &context, Transaction &transaction) {
	ErrorData error;
	try {
		transaction.Cast<RemoteTransaction>().End(&context, true);
	} catch (std::exception &ex) {
		error = ErrorData(ex);
	}
	lock_guard<mutex> guard(lock);
	transactions.erase(transaction);
	return error;
}

void RemoteTransactionManager::RollbackTransaction(Transaction &transaction) {
	try {
		transaction.Cast<RemoteTransaction>().End(nullptr, false);
	} catch (std::exception &) {
		// A server that cannot be told rolls back by itself when the session ends: the outcome is the same
	}
	lock_guard<mutex> guard(lock);
	transactions.erase(transaction);
}

void RemoteTransactionManager::Checkpoint(ClientContext &context, bool force) {
	RunRemote(context, catalog, force ? "FORCE CHECKPOINT" : "CHECKPOINT");
}

} // namespace duckherder
