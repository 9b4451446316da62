// A client's transaction on an attached server.

#include "transaction.hpp"

#include "catalog.hpp"
#include "remote_statement.hpp"
#include "remote_stream.hpp"
#include "session_state.hpp"
#include "snapshot.hpp"
#include "statement_state.hpp"

#include "duckdb/main/attached_database.hpp"

using namespace duckdb;

namespace duckherder {

RemoteTransaction::RemoteTransaction(TransactionManager &manager, RemoteCatalog &catalog_p, ClientContext &context)
    : Transaction(manager, context), catalog(catalog_p),
      auto_commit(context.transaction.IsAutoCommit() && !StatementState::Of(context).IsOneOfSeveral()),
      session(catalog_p.SessionOf(context)) {
	session->SetTransaction(this);
}

RemoteTransaction::~RemoteTransaction() {
	session->SetTransaction(nullptr);
}

RemoteTransaction &RemoteTransaction::Get(ClientContext &context, Catalog &catalog) {
	return Transaction::Get(context, catalog).Cast<RemoteTransaction>();
}

Catalog &RemoteTransaction::GetCatalog() {
	return catalog;
}

dh_session &RemoteTransaction::Session(ClientContext &context) {
	auto &result = session->Get(context);
	CloseOpened();
	lock_guard<mutex> guard(lock);
	begun = begun || BeginsOnServer();
	return result;
}

dh_session &RemoteTransaction::SessionForLoad(ClientContext &context, bool in_transaction) {
	auto &result = session->Get(context);
	catalog.ForgetStates();
	lock_guard<mutex> guard(lock);
	begun = begun || in_transaction;
	return result;
}

void RemoteTransaction::ReadOneSnapshot() {
	if (auto_commit) {
		// What was opened reads in a transaction of its own
		CloseOpened();
		one_snapshot = true;
	}
}

void RemoteTransaction::Writes() {
	lock_guard<mutex> guard(lock);
	writes = true;
}

optional_ptr<RemoteSnapshot> RemoteTransaction::TryPeek() {
	lock_guard<mutex> guard(lock);
	if (snapshots.empty()) {
		auto cached = catalog.CachedSnapshot();
		if (cached) {
			snapshots.push_back(std::move(cached));
			CompareVersions();
		}
	}
	return snapshots.empty() || is_outdated ? nullptr : snapshots.back().get();
}

RemoteSnapshot &RemoteTransaction::Peek(ClientContext &context) {
	auto known = TryPeek();
	return known ? *known : Current(context);
}

RemoteSnapshot &RemoteTransaction::Current(ClientContext &context) {
	auto known = only_peeks ? TryPeek() : nullptr;
	if (known) {
		return *known;
	}
	// One thread asks: entries of two snapshots do not go together, as their object ids differ
	lock_guard<mutex> one_asks(asking);
	{
		lock_guard<mutex> guard(lock);
		if (is_current) {
			return *snapshots.back();
		}
	}
	return AskServer(context, catalog.WantsStates());
}

void RemoteTransaction::RefreshStates(ClientContext &context) {
	lock_guard<mutex> one_asks(asking);
	if (!has_states) {
		AskServer(context, true);
	}
}

RemoteSnapshot &RemoteTransaction::AskServer(ClientContext &context, bool want_states) {
	shared_ptr<RemoteSnapshot> known;
	{
		lock_guard<mutex> guard(lock);
		known = snapshots.empty() ? catalog.LastSnapshot() : snapshots.back();
	}
	auto &opened_session = Session(context);
	Interrupt interrupt(context);
	auto known_version = known ? known->Version() : 0;
	dh_snapshot *answer = nullptr;
	Check(Rust().session_snapshot(&opened_session, BeginsOnServer(), known ? &known_version : nullptr, want_states,
	                              &interrupt, &answer));
	if (want_states || !answer->is_unchanged) {
		has_states = true;
		catalog.HeardStates();
	}
	if (answer->is_unchanged) {
		estimates_moved = known->Apply(*answer);
		Rust().snapshot_free(answer);
	} else {
		known = make_shared_ptr<RemoteSnapshot>(catalog, answer);
	}
	if (!known->IsTransactionLocal()) {
		catalog.Cache(known, auto_commit);
	}
	lock_guard<mutex> guard(lock);
	if (snapshots.empty() || snapshots.back() != known) {
		snapshots.push_back(known);
	}
	changed_catalog = changed_catalog || known->IsTransactionLocal();
	is_current = true;
	is_outdated = false;
	return *snapshots.back();
}

bool RemoteTransaction::IsCurrent() const {
	lock_guard<mutex> guard(lock);
	return is_current;
}

void RemoteTransaction::Peeked() {
	peeked = true;
}

bool RemoteTransaction::Refresh(ClientContext &context) {
	auto &before = Peek(context);
	peeked = false;
	estimates_moved = false;
	return &Current(context) != &before || estimates_moved;
}

void RemoteTransaction::HeardOf(uint64_t version) {
	if (version == 0) {
		return;
	}
	if (auto_commit) {
		catalog.HeardOf(version);
		return;
	}
	lock_guard<mutex> guard(lock);
	changed_catalog = changed_catalog || IsTransactionLocalVersion(version);
	heard_version = version;
	CompareVersions();
}

void RemoteTransaction::CompareVersions() {
	if (heard_version && !snapshots.empty()) {
		is_current = snapshots.back()->Version() == heard_version;
		is_outdated = !is_current;
	}
}

void RemoteTransaction::InvalidateSnapshot() {
	lock_guard<mutex> guard(lock);
	heard_version = 0;
	is_current = false;
	is_outdated = true;
	changed_catalog = true;
}

void RemoteTransaction::BeginStatement() {
	peeked = false;
	has_states = false;
	bound_sources = 0;
	answered.reset();
	indexes.clear();
}

void RemoteTransaction::CreateWithTable(unique_ptr<CreateIndexInfo> index) {
	indexes.push_back(std::move(index));
}

vector<unique_ptr<CreateIndexInfo>> RemoteTransaction::TakeIndexesOf(const Identifier &schema, const Identifier &table) {
	vector<unique_ptr<CreateIndexInfo>> taken, kept;
	for (auto &index : indexes) {
		auto is_wanted = index->table == table && index->GetQualifiedName().Schema() == schema;
		(is_wanted ? taken : kept).push_back(std::move(index));
	}
	indexes = std::move(kept);
	return taken;
}

bool RemoteTransaction::BindsFirstSource() {
	if (bound_sources++ == 0) {
		return true;
	}
	CloseOpened();
	return false;
}

void RemoteTransaction::SetOpened(const shared_ptr<OpenedStream> &opened_p) {
	lock_guard<mutex> guard(lock);
	opened = opened_p;
}

void RemoteTransaction::SetAnswered(shared_ptr<OpenedStream> answered_p) {
	answered = std::move(answered_p);
}

shared_ptr<OpenedStream> RemoteTransaction::Answered(const string &sql) {
	return answered && answered->stream && answered->stream->Sql() == sql ? answered : nullptr;
}

void RemoteTransaction::CloseOpened() {
	lock_guard<mutex> guard(lock);
	auto open = opened.lock();
	if (open) {
		open->stream.reset();
	}
	opened.reset();
}

void RemoteTransaction::End(optional_ptr<ClientContext> context, bool commit) {
	if (changed_catalog && commit) {
		catalog.MarkOutdated();
	}
	if (writes) {
		catalog.ForgetStates();
	}
	auto open = session->TryGet();
	if (!begun || !open) {
		return;
	}
	if (auto_commit && !writes) {
		Rust().session_abandon_transaction(open.get());
		return;
	}
	// A rollback must reach the server even when the user has interrupted the statement before it
	if (context && commit) {
		Interrupt interrupt(*context);
		Check(Rust().session_end_transaction(open.get(), commit, &interrupt));
		IgnoreInterrupts(*context);
		return;
	}
	Check(Rust().session_end_transaction(open.get(), commit, nullptr));
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
