// Transactions of a database that has distributed tables.
#pragma once

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/common/optional.hpp"
#include "duckdb/transaction/duck_transaction_manager.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace duckling {

//! DuckDB's, which also refuses to commit what was written for a definition of a table that another transaction has changed or dropped
//! since this one began, and changes of a definition beside what others have written since: a new definition is checked
//! against, or applied to, the files that its transaction sees.
class TableTransactions : public duckdb::DuckTransactionManager {
public:
	using DuckTransactionManager::DuckTransactionManager;

	static TableTransactions &Get(duckdb::Catalog &catalog);

	//! The transaction of `context` has added files to a table.
	void NoteWritten(duckdb::ClientContext &context, const std::string &table_id);
	//! The transaction of `context` has changed the definition of a table.
	void NoteAltered(duckdb::ClientContext &context, const std::string &table_id);

	//! The transaction of `context` is going to drop a table, or to replace it by another one.
	void NoteDropped(duckdb::ClientContext &context, const std::string &table_id);
	//! The transaction of `context` changes which files a table has: at COMMIT, the table gets a snapshot. The id of the change.
	std::string NoteChange(duckdb::ClientContext &context, const std::string &table_id);
	//! Id of what the transaction of `context` has changed; empty if it has changed nothing.
	std::string ChangeOf(duckdb::ClientContext &context);

	//! Of `paths`, which a transaction does not list that began at `time`: those whose writers have all ended, so that a file which is
	//! not listed now will never be.
	std::vector<std::string> Abandoned(duckdb::ClientContext &context, const std::vector<std::string> &paths,
	                                   duckdb::transaction_t time);
	//! Of `paths`, which were abandoned, and which a transaction does not list that began at `time` after that: those that none lists
	//! which runs now, but for that of `context`.
	std::vector<std::string> Unreadable(duckdb::ClientContext &context, const std::vector<std::string> &paths,
	                                    duckdb::transaction_t time);

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
		std::set<std::string> dropped;
		//! Empty if no list of files is changed
		std::string id;
		//! Last versions, as far as the transaction sees, of tables whose files it changes
		std::map<std::string, int64_t> last_versions;
		//! The list of snapshots
		duckdb::DuckTableEntry *snapshots = nullptr;
	};
	//! What vacuums have found
	struct UnlistedFile {
		//! When the first transaction began that did not list it
		duckdb::transaction_t found;
		//! The same, of those that began when it could not be listed any more
		duckdb::optional<duckdb::transaction_t> abandoned;
	};
	using CommitTimes = std::map<std::string, duckdb::transaction_t>;

	class End;

	void WaitUntilAlone(duckdb::ClientContext &context, bool stays);
	duckdb::ErrorData Commit(duckdb::ClientContext &context, duckdb::Transaction &transaction);
	void NoteEnd(const duckdb::Transaction *transaction);
	Changes &ChangesOf(duckdb::ClientContext &context);
	//! What a transaction that ends has changed
	Changes TakeChanges(const duckdb::Transaction &transaction);
	void CheckConflicts(const duckdb::DuckTransaction &transaction, const Changes &changes) const;
	//! Give the tables whose files have changed a snapshot, as a part of `transaction`. Returns their versions.
	std::map<std::string, int64_t> AddSnapshots(duckdb::DuckTransaction &transaction, const Changes &changes);
	//! Whether all transactions that run, but for that of `context`, began at `time` or later.
	bool OthersBeganAt(duckdb::ClientContext &context, duckdb::transaction_t time);

	duckdb::mutex lock;
	//! Of transactions that run
	std::map<const duckdb::Transaction *, Changes> running;
	//! By path
	std::map<std::string, UnlistedFile> unlisted;
	//! Held to begin a transaction and to end one
	std::mutex open_lock;
	std::condition_variable open_changed;
	duckdb::idx_t open_count = 0;
	//! Start times of those that are not just beginning
	std::map<const duckdb::Transaction *, duckdb::transaction_t> begun_at;
	//! That lets no other begin
	const duckdb::Transaction *alone = nullptr;
	//! Held while transactions with changes are checked and committed
	duckdb::mutex commit_lock;
	//! Last commits, by table
	CommitTimes written_at, altered_at, dropped_at;
	//! Of tables whose files have changed since the start
	std::map<std::string, int64_t> last_versions;
};

} // namespace duckling
