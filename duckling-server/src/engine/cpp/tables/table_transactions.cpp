// A transaction sees commits with timestamps before its start: a later one of the other kind is a conflict.

#include "table_transactions.hpp"

#include "crash_points.hpp"
#include "table_snapshots.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/exception/transaction_exception.hpp"
#include "duckdb/common/types/uuid.hpp"
#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/transaction/duck_transaction.hpp"

#include <algorithm>
#include <chrono>

using namespace duckdb;

namespace duckling {

//! How long a transaction waits for others to end that gives way to them
static constexpr std::chrono::seconds ALONE_PATIENCE {5};
static constexpr std::chrono::milliseconds INTERRUPT_POLL {20};

TableTransactions &TableTransactions::Get(Catalog &catalog) {
	return static_cast<TableTransactions &>(catalog.GetAttached().GetTransactionManager());
}

TableTransactions::Changes &TableTransactions::ChangesOf(ClientContext &context) {
	return running[&Transaction::Get(context, db)];
}

TableTransactions::Changes TableTransactions::TakeChanges(const Transaction &transaction) {
	lock_guard<mutex> guard(lock);
	Changes result;
	auto found = running.find(&transaction);
	if (found != running.end()) {
		result = std::move(found->second);
		running.erase(found);
	}
	return result;
}

void TableTransactions::NoteWritten(ClientContext &context, const string &table_id) {
	lock_guard<mutex> guard(lock);
	ChangesOf(context).written.insert(table_id);
}

void TableTransactions::NoteAltered(ClientContext &context, const string &table_id) {
	lock_guard<mutex> guard(lock);
	ChangesOf(context).altered.insert(table_id);
}

void TableTransactions::CheckConflicts(const DuckTransaction &transaction, const Changes &changes) const {
	auto is_later = [&](const CommitTimes &commits, const string &table_id) {
		auto commit = commits.find(table_id);
		return commit != commits.end() && commit->second >= transaction.start_time;
	};
	for (auto &table_id : changes.written) {
		if (is_later(dropped_at, table_id)) {
			throw TransactionException("Transaction conflict: attempting to write to a distributed table that has been dropped "
			                           "by a different transaction");
		}
		if (is_later(altered_at, table_id)) {
			throw TransactionException("Transaction conflict: attempting to write to a distributed table that has been altered "
			                           "by a different transaction");
		}
	}
	for (auto &table_id : changes.altered) {
		if (is_later(written_at, table_id)) {
			throw TransactionException("Transaction conflict: attempting to alter a distributed table that has been written to "
			                           "by a different transaction");
		}
	}
}

void TableTransactions::NoteDropped(ClientContext &context, const string &table_id) {
	lock_guard<mutex> guard(lock);
	ChangesOf(context).dropped.insert(table_id);
}

string TableTransactions::NoteChange(ClientContext &context, const string &table_id) {
	auto &catalog = db.GetCatalog();
	ListTable snapshots(context, catalog, SnapshotsList());
	int64_t seen = 0;
	{
		lock_guard<mutex> guard(lock);
		auto &changes = ChangesOf(context);
		if (changes.last_versions.count(table_id)) {
			return changes.id;
		}
		auto known = last_versions.find(table_id);
		seen = known == last_versions.end() ? -1 : known->second;
	}
	if (seen < 0) {
		seen = LastVersion(context, catalog, table_id);
	}
	lock_guard<mutex> guard(lock);
	auto &changes = ChangesOf(context);
	if (changes.id.empty()) {
		changes.id = UUID::ToString(UUIDv7::GenerateRandomUUID());
		changes.snapshots = &snapshots.Entry();
	}
	changes.last_versions[table_id] = seen;
	return changes.id;
}

string TableTransactions::ChangeOf(ClientContext &context) {
	lock_guard<mutex> guard(lock);
	auto found = running.find(&Transaction::Get(context, db));
	return found == running.end() ? "" : found->second.id;
}

std::map<string, int64_t> TableTransactions::AddSnapshots(DuckTransaction &transaction, const Changes &changes) {
	std::map<string, int64_t> versions;
	if (changes.last_versions.empty()) {
		return versions;
	}
	auto now = Timestamp::GetCurrentTimestamp();
	std::vector<vector<Value>> rows;
	lock_guard<mutex> guard(lock);
	for (auto &entry : changes.last_versions) {
		// Others may have committed since
		auto known = last_versions.find(entry.first);
		auto last = known == last_versions.end() ? entry.second : std::max(entry.second, known->second);
		versions[entry.first] = last + 1;
		rows.push_back(SnapshotRow(entry.first, last + 1, now, changes.id));
	}
	ListTable::AppendAtCommit(transaction, *changes.snapshots, rows);
	return versions;
}

bool TableTransactions::OthersBeganAt(ClientContext &context, transaction_t time) {
	auto &own = Transaction::Get(context, db);
	std::lock_guard<std::mutex> guard(open_lock);
	return begun_at.size() == open_count && std::all_of(begun_at.begin(), begun_at.end(), [&](auto &transaction) {
		       return transaction.first == &own || transaction.second >= time;
	       });
}

std::vector<string> TableTransactions::Abandoned(ClientContext &context, const std::vector<string> &paths, transaction_t time) {
	lock_guard<mutex> guard(lock);
	std::map<string, UnlistedFile> found;
	std::vector<string> result;
	for (auto &path : paths) {
		auto known = unlisted.find(path);
		auto &file = found[path] = known == unlisted.end() ? UnlistedFile {time, {}} : known->second;
		if (file.abandoned || OthersBeganAt(context, file.found)) {
			result.push_back(path);
		}
	}
	unlisted = std::move(found);
	return result;
}

std::vector<string> TableTransactions::Unreadable(ClientContext &context, const std::vector<string> &paths, transaction_t time) {
	lock_guard<mutex> guard(lock);
	std::vector<string> result;
	for (auto &path : paths) {
		auto known = unlisted.find(path);
		// If another vacuum has not forgotten it meanwhile
		auto since = known != unlisted.end() && known->second.abandoned ? *known->second.abandoned : time;
		if (OthersBeganAt(context, since)) {
			result.push_back(path);
			unlisted.erase(path);
		} else if (known != unlisted.end()) {
			known->second.abandoned = since;
		}
	}
	return result;
}

void TableTransactions::WaitUntilAlone(ClientContext &context, bool stays) {
	auto &transaction = Transaction::Get(context, db);
	auto limit = std::chrono::steady_clock::now() + ALONE_PATIENCE;
	std::unique_lock<std::mutex> guard(open_lock);
	while (open_count > 1) {
		context.InterruptCheck();
		if (std::chrono::steady_clock::now() > limit) {
			throw TransactionException("Transaction conflict: other transactions run all the time, and this one gives way to them");
		}
		open_changed.wait_for(guard, INTERRUPT_POLL);
	}
	if (stays) {
		alone = &transaction;
	}
}

void TableTransactions::WaitUntilAlone(ClientContext &context) {
	WaitUntilAlone(context, false);
}

void TableTransactions::StayAlone(ClientContext &context) {
	WaitUntilAlone(context, true);
}

void TableTransactions::NoteEnd(const Transaction *transaction) {
	{
		std::lock_guard<std::mutex> guard(open_lock);
		open_count--;
		begun_at.erase(transaction);
		alone = alone == transaction ? nullptr : alone;
	}
	open_changed.notify_all();
}

Transaction &TableTransactions::StartTransaction(ClientContext &context) {
	auto limit = std::chrono::steady_clock::now() + ALONE_PATIENCE;
	{
		std::unique_lock<std::mutex> guard(open_lock);
		// One that stays alone for long may as well conflict
		while (alone && std::chrono::steady_clock::now() < limit) {
			context.InterruptCheck();
			open_changed.wait_for(guard, INTERRUPT_POLL);
		}
		open_count++;
	}
	try {
		// Which may wait for others to end
		auto &transaction = DuckTransactionManager::StartTransaction(context);
		std::lock_guard<std::mutex> guard(open_lock);
		begun_at[&transaction] = transaction.Cast<DuckTransaction>().start_time;
		return transaction;
	} catch (...) {
		NoteEnd(nullptr);
		throw;
	}
}

//! Notes the end of a transaction, whatever becomes of it.
class TableTransactions::End {
public:
	End(TableTransactions &manager_p, const Transaction &transaction_p) : manager(manager_p), transaction(&transaction_p) {
	}
	~End() {
		manager.NoteEnd(transaction);
	}

private:
	TableTransactions &manager;
	//! May be gone
	const Transaction *transaction;
};

ErrorData TableTransactions::CommitTransaction(ClientContext &context, Transaction &transaction) {
	End end(*this, transaction);
	return Commit(context, transaction);
}

ErrorData TableTransactions::Commit(ClientContext &context, Transaction &transaction) {
	auto changes = TakeChanges(transaction);
	if (!transaction.Cast<DuckTransaction>().GetUndoProperties().has_dropped_entries) {
		// It was only planned
		changes.dropped.clear();
	}
	if (changes.written.empty() && changes.altered.empty() && changes.dropped.empty() && changes.id.empty()) {
		return DuckTransactionManager::CommitTransaction(context, transaction);
	}
	lock_guard<mutex> guard(commit_lock);
	std::map<string, int64_t> versions;
	try {
		auto &duck_transaction = transaction.Cast<DuckTransaction>();
		CheckConflicts(duck_transaction, changes);
		versions = AddSnapshots(duck_transaction, changes);
	} catch (const std::exception &conflict) {
		DuckTransactionManager::RollbackTransaction(transaction);
		return ErrorData(conflict);
	}
	CrashPoint("before_commit");
	auto failure = DuckTransactionManager::CommitTransaction(context, transaction);
	if (!failure.HasError()) {
		CrashPoint("after_commit");
		// Of this commit, or of a later one, which may lead to a conflict that is none
		auto now = GetLastCommit();
		for (auto &table_id : changes.written) {
			written_at[table_id] = now;
		}
		for (auto &table_id : changes.altered) {
			altered_at[table_id] = now;
		}
		for (auto &table_id : changes.dropped) {
			dropped_at[table_id] = now;
		}
		lock_guard<mutex> versions_guard(lock);
		for (auto &entry : versions) {
			last_versions[entry.first] = entry.second;
		}
	}
	return failure;
}

void TableTransactions::RollbackTransaction(Transaction &transaction) {
	End end(*this, transaction);
	TakeChanges(transaction);
	DuckTransactionManager::RollbackTransaction(transaction);
}

} // namespace duckling
