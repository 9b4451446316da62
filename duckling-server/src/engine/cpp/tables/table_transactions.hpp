// Transactions of a database that has distributed tables.
#pragma once

#include "duckdb/transaction/duck_transaction_manager.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace duckling {

//! DuckDB's, which also refuses to commit what was written for a definition of a table that another transaction has changed since
//! this one began, and changes of a definition beside what others have written since: a new definition is checked
//! against, or applied to, the files that its transaction sees.
class TableTransactions : public duckdb::DuckTransactionManager {
public:
	using DuckTransactionManager::DuckTransactionManager;

	static TableTransactions &Get(duckdb::Catalog &catalog);

	//! The transaction of `context` has added files to a table.
	void NoteWritten(duckdb::ClientContext &context, const std::string &table_id);
	//! The transaction of `context` has changed the definition of a table.
	void NoteAltered(duckdb::ClientContext &context, const std::string &table_id);

	//! Of `unlisted`, paths of files that the transaction of `context` does not list: those that no other transaction lists which
	//! runs now.
	std::vector<std::string> Unreadable(duckdb::ClientContext &context, const std::vector<std::string> &unlisted);

	//! Wait until no transaction runs but that of `context`. Throws if there is always another one.
	void WaitUntilAlone(duckdb::ClientContext &context);
	//! The same, and let none begin until that of `context` has ended: so it conflicts with nobody.
	void StayAlone(duckdb::ClientContext &context);

	duckdb::Transaction &StartTransaction(duckdb::ClientContext &context) override;
	duckdb::ErrorData CommitTransaction(duckdb::ClientContext &context, duckdb::Transaction &transaction) override;
	void RollbackTransaction(duckdb::Transaction &transaction) override;

private:
	struct Changes {
		std::set<std::string> written;
		std::set<std::string> altered;
	};
	using CommitTimes = std::map<std::string, duckdb::transaction_t>;

	void WaitUntilAlone(duckdb::ClientContext &context, bool stays);
	duckdb::ErrorData Commit(duckdb::ClientContext &context, duckdb::Transaction &transaction);
	void NoteEnd(const duckdb::Transaction *transaction);
	Changes &ChangesOf(duckdb::ClientContext &context);
	//! What a transaction that ends has changed
	Changes TakeChanges(const duckdb::Transaction &transaction);
	void CheckConflicts(const duckdb::DuckTransaction &transaction, const Changes &changes) const;

	duckdb::mutex lock;
	//! Of transactions that run
	std::map<const duckdb::Transaction *, Changes> running;
	//! Files that are listed no more, or not yet, and the start time of the first transaction that found them so
	std::map<std::string, duckdb::transaction_t> first_unlisted;
	//! Held to begin a transaction and to end one
	std::mutex open_lock;
	std::condition_variable open_changed;
	duckdb::idx_t open_count = 0;
	//! That lets no other begin
	const duckdb::Transaction *alone = nullptr;
	//! Held while transactions with changes are checked and committed
	duckdb::mutex commit_lock;
	//! Last commits, by table
	CommitTimes written_at, altered_at;
};

} // namespace duckling
