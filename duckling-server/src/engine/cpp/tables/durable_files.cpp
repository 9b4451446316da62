// Files of a folder are written through to the disk; what an object store has taken is durable by itself.

#include "durable_files.hpp"

#include "crash_points.hpp"

#include "duckdb/common/crypto/md5.hpp"
#include "duckdb/common/file_system.hpp"
#include "duckdb/common/string_util.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <sys/stat.h>
#include <unistd.h>

using namespace duckdb;

namespace duckling {

namespace {

constexpr idx_t BUFFER_BYTES = 1 << 20;

void SyncFolder(const string &path) {
	auto folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto failed = folder < 0 || fsync(folder) != 0;
	auto reason = errno;
	if (folder >= 0) {
		close(folder);
	}
	if (failed) {
		throw IOException("Cannot make the folder \"%s\" durable: %s", path, strerror(reason));
	}
}

string Digest(FileHandle &file, const std::function<void()> &interrupt_check) {
	MD5Context digest;
	auto buffer = make_unsafe_uniq_array<data_t>(BUFFER_BYTES);
	while (auto bytes = file.Read(buffer.get(), BUFFER_BYTES)) {
		interrupt_check();
		digest.Add(buffer.get(), NumericCast<idx_t>(bytes));
	}
	return digest.FinishHex();
}

} // namespace

void CreateFolder(ClientContext &context, const string &path) {
	auto &fs = FileSystem::GetFileSystem(context);
	auto parent = path.substr(0, path.rfind('/'));
	if (!FileSystem::IsRemoteFile(path) && !fs.DirectoryExists(parent)) {
		throw IOException("The storage of distributed tables is not what it was: the folder \"%s\" is missing. Nothing was written", parent);
	}
	fs.CreateDirectory(path);
}

string Checksum(ClientContext &context, const string &path) {
	return Digest(*FileSystem::GetFileSystem(context).OpenFile(path, FileFlags::FILE_FLAGS_READ),
	              [&]() { context.InterruptCheck(); });
}

string Checksum(FileHandle &file) {
	return Digest(file, []() {});
}

string FileVersion(FileSystem &fs, FileHandle &file) {
	return FileSystem::IsRemoteFile(file.path) ? fs.GetVersionTag(file) : LocalFileVersion(file.path);
}

string LocalFileVersion(const string &path) {
	struct stat status;
	if (stat(path.c_str(), &status) != 0) {
		return "";
	}
	return StringUtil::Format("%d bytes of %d.%09d", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

DurableFile MakeDurable(ClientContext &context, const string &root, const string &path) {
	auto &fs = FileSystem::GetFileSystem(context);
	auto file = fs.OpenFile(path, FileFlags::FILE_FLAGS_READ);
	auto checksum = Digest(*file, [&]() { context.InterruptCheck(); });
	if (!FileSystem::IsRemoteFile(path)) {
		file->Sync();
		for (auto folder = path; folder.size() > root.size();) {
			folder = folder.substr(0, folder.rfind('/'));
			SyncFolder(folder);
		}
	}
	CrashPoint("after_sync");
	return {checksum, FileVersion(fs, *file)};
}

} // namespace duckling
