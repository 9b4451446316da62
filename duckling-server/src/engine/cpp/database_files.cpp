#include "database_files.hpp"

#include "tables/crash_points.hpp"

#include "duckdb/common/checksum.hpp"
#include "duckdb/common/helper.hpp"
#include "duckdb/common/virtual_file_system.hpp"
#include "duckdb/storage/storage_info.hpp"

#include <cstring>

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *JOURNAL_SUFFIX = ".block";
//! Behind the three headers of a file
constexpr idx_t BLOCKS_BEGIN = 3 * Storage::FILE_HEADER_SIZE;
//! Blocks of metadata have so many pages, each of which begins with a pointer to the next one: the number of the page in its block, in
//! the upper byte, and the number of the block; or all bits set.
constexpr idx_t PAGES = 64;
constexpr idx_t NO_NEXT_PAGE = ~idx_t(0);
constexpr int64_t FILE_PAGE_BYTES = 4096;

//! Before the block in a journal
struct JournalHeader {
	char magic[8];
	uint64_t location;
	uint64_t size;
	//! Of the block
	uint64_t checksum;
};
constexpr char MAGIC[8] = {'D', 'H', 'B', 'L', 'O', 'C', 'K', '1'};

//! Whether a block of a database has the checksum that it begins with.
bool IsWhole(const data_t *block, idx_t size) {
	return Load<uint64_t>(block) == Checksum(block + sizeof(uint64_t), size - sizeof(uint64_t));
}

} // namespace

DatabaseFiles::~DatabaseFiles() {
	for (auto &entry : journals) {
		if (entry.second.file) {
			// The databases are closed
			entry.second.file.reset();
			TryRemoveFile(entry.first + JOURNAL_SUFFIX);
		}
	}
}

DatabaseFiles &DatabaseFiles::Register(DatabaseInstance &instance) {
	auto files = make_uniq<DatabaseFiles>();
	auto &result = *files;
	FileSystem::GetFileSystem(instance).RegisterSubSystem(std::move(files));
	return result;
}

void DatabaseFiles::Add(const string &path) {
	lock_guard<mutex> guard(lock);
	journals[path];
}

DatabaseFiles::Journal *DatabaseFiles::Find(const string &path) {
	lock_guard<mutex> guard(lock);
	auto found = journals.find(path);
	return found == journals.end() ? nullptr : &found->second;
}

bool DatabaseFiles::CanHandleFile(const string &path) {
	return Find(path) != nullptr;
}

unique_ptr<FileHandle> DatabaseFiles::OpenFile(const string &path, FileOpenFlags flags, optional_ptr<FileOpener> opener) {
	auto result = LocalFileSystem::OpenFile(path, flags, opener);
	if (result && flags.OpenForWriting() && flags.OpenForReading()) {
		Complete(*result);
	}
	return result;
}

void DatabaseFiles::Complete(FileHandle &handle) {
	auto file = LocalFileSystem::OpenFile(handle.path + JOURNAL_SUFFIX,
	                                      FileFlags::FILE_FLAGS_READ | FileFlags::FILE_FLAGS_NULL_IF_NOT_EXISTS, nullptr);
	JournalHeader header;
	if (!file || GetFileSize(*file) < int64_t(sizeof(header))) {
		return;
	}
	LocalFileSystem::Read(*file, &header, sizeof(header), 0);
	auto size = header.size;
	if (memcmp(header.magic, MAGIC, sizeof(MAGIC)) != 0 || size > DEFAULT_BLOCK_ALLOC_SIZE ||
	    GetFileSize(*file) < int64_t(sizeof(header) + size) || GetFileSize(handle) < int64_t(header.location + size)) {
		return;
	}
	auto written = make_unsafe_uniq_array<data_t>(size);
	auto found = make_unsafe_uniq_array<data_t>(size);
	LocalFileSystem::Read(*file, written.get(), int64_t(size), sizeof(header));
	LocalFileSystem::Read(handle, found.get(), int64_t(size), header.location);
	auto is_complete = Checksum(written.get(), size) == header.checksum && IsWhole(written.get(), size);
	// The beginning is there, so this is what was being written
	if (is_complete && !IsWhole(found.get(), size) && Load<uint64_t>(found.get()) == Load<uint64_t>(written.get())) {
		LocalFileSystem::Write(handle, written.get(), int64_t(size), header.location);
		FileSync(handle);
	}
}

bool DatabaseFiles::IsInPlace(FileHandle &handle, int64_t size, idx_t location) {
	if (location < BLOCKS_BEGIN || size < int64_t(Storage::MIN_BLOCK_ALLOC_SIZE) || size > int64_t(DEFAULT_BLOCK_ALLOC_SIZE)) {
		return false;
	}
	auto file_size = GetFileSize(handle);
	if (file_size < int64_t(location) + size) {
		return false;
	}
	idx_t begin[2];
	LocalFileSystem::Read(handle, begin, sizeof(begin), location);
	auto next = begin[1];
	auto block_count = (idx_t(file_size) - BLOCKS_BEGIN) / idx_t(size);
	return next == NO_NEXT_PAGE || ((next >> 56) < PAGES && (next & ~(idx_t(0xFF) << 56)) < block_count);
}

void DatabaseFiles::Write(FileHandle &handle, void *buffer, int64_t size, idx_t location) {
	auto journal = Find(handle.path);
	if (!journal || !IsInPlace(handle, size, location)) {
		LocalFileSystem::Write(handle, buffer, size, location);
		return;
	}
	lock_guard<mutex> guard(journal->lock);
	if (!journal->file) {
		journal->file = LocalFileSystem::OpenFile(handle.path + JOURNAL_SUFFIX,
		                                          FileFlags::FILE_FLAGS_WRITE | FileFlags::FILE_FLAGS_FILE_CREATE, nullptr);
	}
	auto bytes = static_cast<data_t *>(buffer);
	JournalHeader header {{}, location, idx_t(size), Checksum(bytes, idx_t(size))};
	memcpy(header.magic, MAGIC, sizeof(MAGIC));
	LocalFileSystem::Write(*journal->file, &header, sizeof(header), 0);
	LocalFileSystem::Write(*journal->file, buffer, size, sizeof(header));
	if (IsCrashPoint("in_block")) {
		// Linux looks for a signal between pages
		LocalFileSystem::Write(handle, buffer, FILE_PAGE_BYTES, location);
		CrashPoint("in_block");
	}
	LocalFileSystem::Write(handle, buffer, size, location);
}

} // namespace duckling
