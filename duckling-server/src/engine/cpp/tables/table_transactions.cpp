// A transaction sees commits with timestamps before its start: a later one of the other kind is a conflict.

#include "table_transactions.hpp"

#include "crash_points.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/exception/transaction_exception.hpp"
#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/transaction/duck_transaction.hpp"

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

std::vector<string> TableTransactions::Unreadable(ClientContext &context, const std::vector<string> &unlisted) {
	auto start_time = Transaction::Get(context, db).Cast<DuckTransaction>().start_time;
	auto oldest = LowestVisibilityBound();
	lock_guard<mutex> guard(lock);
	std::map<string, transaction_t> found;
	std::vector<string> result;
	for (auto &path : unlisted) {
		auto known = first_unlisted.find(path);
		auto since = known == first_unlisted.end() ? start_time : known->second;
		// All that run began then or later
		if (since - 1 < oldest) {
			result.push_back(path);
		}
		found[path] = since;
	}
	first_unlisted = std::move(found);
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
		return DuckTransactionManager::StartTransaction(context);
	} catch (...) {
		NoteEnd(nullptr);
		throw;
	}
}

ErrorData TableTransactions::CommitTransaction(ClientContext &context, Transaction &transaction) {
	auto failure = Commit(context, transaction);
	NoteEnd(&transaction);
	return failure;
}

ErrorData TableTransactions::Commit(ClientContext &context, Transaction &transaction) {
	auto changes = TakeChanges(transaction);
	if (changes.written.empty() && changes.altered.empty()) {
		return DuckTransactionManager::CommitTransaction(context, transaction);
	}
	lock_guard<mutex> guard(commit_lock);
	try {
		CheckConflicts(transaction.Cast<DuckTransaction>(), changes);
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
	}
	return failure;
}

void TableTransactions::RollbackTransaction(Transaction &transaction) {
	TakeChanges(transaction);
	DuckTransactionManager::RollbackTransaction(transaction);
	NoteEnd(&transaction);
}

} // namespace duckling
