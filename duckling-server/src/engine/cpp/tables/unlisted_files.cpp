// A file may have no entry in the list because its transaction has not committed yet, and one that has lost its entry may still
// be read by transactions that began before. So a file goes when all transactions that run have begun after it was first
// found unlisted, and it is not listed even then. Files of transactions that begin meanwhile are told by the time in their names.

#include "unlisted_files.hpp"

#include "distributed_table.hpp"
#include "table_files.hpp"
#include "table_transactions.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/file_system.hpp"
#include "duckdb/common/types/uuid.hpp"
#include "duckdb/main/connection.hpp"
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

//! What a transaction lists that begins now: it sees what has been committed meanwhile.
std::set<string> ListedNow(ClientContext &context, Catalog &catalog) {
	Connection connection(*context.db);
	std::set<string> result;
	connection.context->RunFunctionInTransaction([&]() { result = ListedPaths(*connection.context, catalog); });
	return result;
}

} // namespace

std::vector<RemovedFile> RemoveUnlistedFiles(ClientContext &context, Catalog &catalog, optional_ptr<DuckTableEntry> table,
                                             const interval_t &older_than) {
	auto &fs = FileSystem::GetFileSystem(context);
	auto root = StorageRoot(*context.db);
	auto begun = MetaTransaction::Get(context).start_timestamp;
	auto limit_us = begun.value - Interval::GetMicro(older_than);
	auto listed = ListedPaths(context, catalog);
	std::vector<string> folders;
	if (table) {
		folders.push_back(TableFolder(context, catalog, TableId(*table)));
	} else {
		folders = TableFolders(fs, root, DatabaseFolder(context, catalog));
	}
	std::vector<string> unlisted;
	for (auto &folder : folders) {
		for (auto &path : FilesIn(fs, root, folder, limit_us)) {
			if (!listed.count(path)) {
				unlisted.push_back(path);
			}
		}
	}
	auto unreadable = TableTransactions::Get(catalog).Unreadable(context, unlisted);
	auto listed_now = ListedNow(context, catalog);
	std::vector<RemovedFile> result;
	for (auto &path : unreadable) {
		context.InterruptCheck();
		if (listed_now.count(path)) {
			continue;
		}
		auto full_path = root + "/" + path;
		auto size = fs.OpenFile(full_path, FileFlags::FILE_FLAGS_READ)->GetFileSize();
		fs.RemoveFile(full_path);
		result.push_back({full_path, NumericCast<idx_t>(size)});
	}
	return result;
}

} // namespace duckling
