// A client's transaction on an attached server.
#pragma once

#include "bridge_internal.hpp"
#include "registered_tables.hpp"

#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/transaction/transaction.hpp"
#include "duckdb/transaction/transaction_manager.hpp"

namespace duckherder {

class RemoteCatalog;
class RemoteSnapshot;
class SessionState;
struct OpenedStream;

//! In autocommit, one statement of the user.
class RemoteTransaction : public duckdb::Transaction {
public:
	RemoteTransaction(duckdb::TransactionManager &manager, RemoteCatalog &catalog, duckdb::ClientContext &context);
	~RemoteTransaction() override;

	static RemoteTransaction &Get(duckdb::ClientContext &context, duckdb::Catalog &catalog);

	duckdb::Catalog &GetCatalog();
	//! The session, to call the server for a statement of this transaction.
	dh_session &Session(duckdb::ClientContext &context);
	//! The same for a load, whose call is made later.
	dh_session &SessionForLoad(duckdb::ClientContext &context, bool in_transaction);
	//! It may have several statements: the user has said BEGIN, or DuckDB runs what the user wrote as several.
	bool IsExplicit() const {
		return !auto_commit;
	}
	//! Whether statements have to open a transaction on the server.
	bool BeginsOnServer() const {
		return !auto_commit || one_snapshot;
	}
	//! This statement's results must all come from one snapshot: have them read in one transaction on the server.
	void ReadOneSnapshot();
	//! Something was sent that may leave something changed.
	void Writes();

	// The remote catalog
	//! As this client last saw it. Good enough to find out where a statement belongs: the server binds it anew.
	RemoteSnapshot &Peek(duckdb::ClientContext &context);
	//! The same, but asks nobody: null if there is none, or it is outdated.
	duckdb::optional_ptr<RemoteSnapshot> TryPeek();
	//! As the server has it now. Asks for it unless this transaction already has, and nothing was changed since.
	RemoteSnapshot &Current(duckdb::ClientContext &context);
	bool IsCurrent() const;
	//! Have the current snapshot tell rows and sequence values as they are now; once for each statement.
	void RefreshStates(duckdb::ClientContext &context);
	//! An entry was taken from a snapshot that may be outdated.
	void Peeked();
	bool HasPeeked() const {
		return peeked;
	}
	//! Make sure of the snapshot that entries were taken from; true if it was outdated, or what it tells of sizes.
	bool Refresh(duckdb::ClientContext &context);
	//! The server has told the version of its catalog, as this transaction sees it.
	void HeardOf(uint64_t version);
	//! This transaction may have changed the catalog.
	void InvalidateSnapshot();
	RegisteredEntries &Registered() {
		return registered;
	}

	// COPY FROM DATABASE
	//! Have an index created together with its table, by the statement that is being planned.
	void CreateWithTable(duckdb::unique_ptr<duckdb::CreateIndexInfo> index);
	duckdb::vector<duckdb::unique_ptr<duckdb::CreateIndexInfo>> TakeIndexesOf(const duckdb::Identifier &schema,
	                                                                          const duckdb::Identifier &table);

	// The statement that is being planned
	void BeginStatement();
	//! Something that reads from the server was bound. True for the first of a statement, which may be read at once.
	bool BindsFirstSource();
	//! Remember a stream that was opened while its statement is bound. Another call of the session closes it: the server
	//! would have to take in all its rows first.
	void SetOpened(const duckdb::shared_ptr<OpenedStream> &opened);
	//! Remember what the server has answered to a statement once it was planned, in case DuckDB plans it anew: it may have run.
	void SetAnswered(duckdb::shared_ptr<OpenedStream> answered);
	//! The answer to that statement, if there is one.
	duckdb::shared_ptr<OpenedStream> Answered(const std::string &sql);

	//! Commit or roll back on the server, if anything was begun there.
	void End(duckdb::optional_ptr<duckdb::ClientContext> context, bool commit);

private:
	friend class PeekGuard;

	void CloseOpened();
	RemoteSnapshot &AskServer(duckdb::ClientContext &context, bool want_states);
	//! Compare the last snapshot with what was heard. Under the lock.
	void CompareVersions();

	RemoteCatalog &catalog;
	//! It has one statement, which commits by itself
	bool auto_commit;
	duckdb::shared_ptr<SessionState> session;
	//! Held while the server is asked for its catalog
	duckdb::mutex asking;
	//! Guards what follows: results are opened by several threads
	mutable duckdb::mutex lock;
	bool one_snapshot = false;
	//! A statement was sent that begins a transaction on the server, so one may be open there
	bool begun = false;
	bool writes = false;
	//! The last is current. The others are kept because the binder holds references to their entries.
	duckdb::vector<duckdb::shared_ptr<RemoteSnapshot>> snapshots;
	//! The version of the catalog that this transaction sees, once the server has told it; else 0
	uint64_t heard_version = 0;
	//! The last snapshot is what this transaction sees
	bool is_current = false;
	//! The last snapshot is not what this transaction sees
	bool is_outdated = false;
	//! The catalog holds uncommitted changes of this transaction
	bool changed_catalog = false;
	bool peeked = false;
	//! The statement has asked for the states of tables and sequences
	bool has_states = false;
	//! They told that plans made before may be bad ones
	bool estimates_moved = false;
	duckdb::idx_t bound_sources = 0;
	duckdb::weak_ptr<OpenedStream> opened;
	duckdb::shared_ptr<OpenedStream> answered;
	bool only_peeks = false;
	//! Of the tables that the statement is going to create
	duckdb::vector<duckdb::unique_ptr<duckdb::CreateIndexInfo>> indexes;
	RegisteredEntries registered;
};

//! As long as it lives, lookups make do with what `TryPeek` yields.
class PeekGuard {
public:
	explicit PeekGuard(RemoteTransaction &transaction_p) : transaction(transaction_p) {
		transaction.only_peeks = true;
	}
	~PeekGuard() {
		transaction.only_peeks = false;
	}

private:
	RemoteTransaction &transaction;
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
