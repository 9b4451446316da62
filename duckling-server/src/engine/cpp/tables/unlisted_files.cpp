// A file may have no entry in the list because its transaction has not committed yet, and one that has lost its entry may still
// be read by transactions that began before. So a file is abandoned when all transactions that run have begun after it was first
// found unlisted, which had no part in writing it, and it is not listed even then: it never will be. It goes when all that run
// have begun after that. Files of transactions that begin meanwhile are told by the time in their names.

#include "unlisted_files.hpp"

#include "distributed_table.hpp"
#include "table_files.hpp"
#include "table_snapshots.hpp"
#include "table_transactions.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/exception/transaction_exception.hpp"
#include "duckdb/common/file_system.hpp"
#include "duckdb/common/types/timestamp.hpp"
#include "duckdb/common/types/uuid.hpp"
#include "duckdb/main/connection.hpp"
#include "duckdb/transaction/duck_transaction.hpp"
#include "duckdb/transaction/meta_transaction.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! When the name of a file, a UUID of version 7, was made, in microseconds since 1970; a file with another name is not ours.
optional<int64_t> CreationTime(const string &name) {
	auto dot = name.find('.');
	hugeint_t id;
	if (dot != UUID::STRING_SIZE || !UUID::FromString(name.substr(0, dot), id, true)) {
		return {};
	}
	auto milliseconds = UUID::ToUHugeint(id).upper >> 16;
	return NumericCast<int64_t>(milliseconds * Interval::MICROS_PER_MSEC);
}

//! Paths below the storage's root of files that were made before `limit_us`.
std::vector<string> FilesIn(FileSystem &fs, const string &root, const string &folder, int64_t limit_us) {
	std::vector<string> result;
	fs.ListFiles(root + "/" + folder, [&](const string &name, bool is_folder) {
		auto created = CreationTime(name);
		if (!is_folder && created && *created < limit_us) {
			result.push_back(folder + "/" + name);
		}
	});
	return result;
}

std::vector<string> TableFolders(FileSystem &fs, const string &root, const string &database_folder) {
	std::vector<string> result;
	fs.ListFiles(root + "/" + database_folder, [&](const string &name, bool is_folder) {
		if (is_folder) {
			result.push_back(database_folder + "/" + name);
		}
	});
	return result;
}

struct ListedFilesNow {
	std::set<string> paths;
	//! When the transaction began that sees them
	transaction_t time;
};

//! What a transaction lists that begins now: it sees what has been committed meanwhile.
ListedFilesNow ListNow(ClientContext &context, Catalog &catalog) {
	Connection connection(*context.db);
	ListedFilesNow result;
	connection.context->RunFunctionInTransaction([&]() {
		result.paths = ListedPaths(*connection.context, catalog, true);
		result.time = DuckTransaction::Get(*connection.context, catalog).start_time;
	});
	return result;
}

std::vector<string> Without(const std::vector<string> &paths, const std::set<string> &left_out) {
	std::vector<string> result;
	for (auto &path : paths) {
		if (!left_out.count(path)) {
			result.push_back(path);
		}
	}
	return result;
}

//! At once: files are removed at once too.
void ForgetOldSnapshots(ClientContext &context, Catalog &catalog, const std::set<string> &table_ids, timestamp_t limit) {
	Connection connection(*context.db);
	try {
		connection.context->RunFunctionInTransaction([&]() {
			MetaTransaction::Get(*connection.context)
			    .ModifyDatabase(catalog.GetAttached(), DatabaseModificationType(DatabaseModificationType::DELETE_DATA));
			ForgetSnapshotsBefore(*connection.context, catalog, table_ids, limit);
		});
	} catch (const TransactionException &) {
		// Others forget some of them: the rest has time until the next vacuum
	}
}

} // namespace

std::vector<RemovedFile> RemoveUnlistedFiles(ClientContext &context, Catalog &catalog, optional_ptr<DuckTableEntry> table,
                                             const std::set<string> &table_ids, const interval_t &older_than) {
	auto &fs = FileSystem::GetFileSystem(context);
	auto root = StorageRoot(*context.db);
	// The transaction's own time may be the client's
	auto limit_us = Timestamp::GetCurrentTimestamp().value - Interval::GetMicro(older_than);
	ForgetOldSnapshots(context, catalog, table_ids, timestamp_t(limit_us));
	std::vector<string> folders;
	if (table) {
		folders.push_back(TableFolder(context, catalog, TableId(*table)));
	} else {
		folders = TableFolders(fs, root, DatabaseFolder(context, catalog));
	}
	std::vector<string> paths;
	for (auto &folder : folders) {
		auto in_folder = FilesIn(fs, root, folder, limit_us);
		paths.insert(paths.end(), in_folder.begin(), in_folder.end());
	}
	auto &transactions = TableTransactions::Get(catalog);
	auto before = ListNow(context, catalog);
	auto unlisted = Without(Without(paths, ListedPaths(context, catalog, false)), before.paths);
	auto abandoned = transactions.Abandoned(context, unlisted, before.time);
	auto now = ListNow(context, catalog);
	std::vector<RemovedFile> result;
	for (auto &path : transactions.Unreadable(context, Without(abandoned, now.paths), now.time)) {
		context.InterruptCheck();
		auto full_path = root + "/" + path;
		auto file = fs.OpenFile(full_path, FileFlags::FILE_FLAGS_READ | FileFlags::FILE_FLAGS_NULL_IF_NOT_EXISTS);
		if (!file) {
			// Another vacuum was faster
			continue;
		}
		auto size = NumericCast<idx_t>(file->GetFileSize());
		file.reset();
		fs.TryRemoveFile(full_path);
		result.push_back({full_path, size});
	}
	return result;
}

} // namespace duckling
