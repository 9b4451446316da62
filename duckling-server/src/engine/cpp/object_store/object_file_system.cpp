// Forwards to the handles and to the functions of Rust.

#include "object_file_system.hpp"

#include "engine_internal.hpp"
#include "object_handles.hpp"
#include "tables/duckling_catalog.hpp"

#include "duckdb/common/file_opener.hpp"
#include "duckdb/common/virtual_file_system.hpp"
#include "duckdb/main/config.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! Those that DuckDB takes for remote ones, and Rust has clients for
struct Scheme {
	const char *prefix;
	//! That has such URLs too
	const char *extension;
};
constexpr Scheme SCHEMES[] = {{"s3://", "httpfs"}, {"s3a://", "httpfs"},   {"gs://", "httpfs"},
                              {"az://", "azure"},  {"azure://", "azure"}, {"abfss://", "azure"}};

ObjectReader &Reader(FileHandle &handle) {
	auto reader = dynamic_cast<ObjectReader *>(&handle);
	if (!reader) {
		throw IOException("Cannot read file \"%s\": it is being written", handle.path);
	}
	return *reader;
}

ObjectWriter &Writer(FileHandle &handle) {
	auto writer = dynamic_cast<ObjectWriter *>(&handle);
	if (!writer) {
		throw IOException("Cannot write file \"%s\": it is open for reading", handle.path);
	}
	return *writer;
}

//! What there is of `path`: one object or none.
std::vector<FoundObject> FindObject(ObjectFileSystem &fs, const string &path, const StatementInterrupt &interrupt) {
	FoundObjects found;
	auto visitor = found.Visitor();
	ThrowIfFailed(fs.stores.head(View(path), interrupt.View(), &visitor));
	return std::move(found.objects);
}

OpenFileInfo Listed(const string &key, const char *type) {
	OpenFileInfo result(key.substr(key.rfind('/') + 1));
	result.extended_info = make_shared_ptr<ExtendedOpenFileInfo>();
	result.extended_info->options["type"] = Value(type);
	return result;
}

} // namespace

bool ObjectFileSystem::CanHandleFile(const string &path) {
	for (auto &scheme : SCHEMES) {
		if (StringUtil::StartsWith(path, scheme.prefix)) {
			auto &root = TableStorage::Get(DBConfig::GetConfig(instance)).root;
			return (!root.empty() && StringUtil::StartsWith(path, root + "/")) || !instance.ExtensionIsLoaded(scheme.extension);
		}
	}
	return false;
}

unique_ptr<FileHandle> ObjectFileSystem::OpenFileExtended(const OpenFileInfo &file, FileOpenFlags flags,
                                                          optional_ptr<FileOpener> opener) {
	// A handle that several statements use is interrupted by none
	StatementInterrupt interrupt(flags.MultiClientAccess() ? nullptr : opener);
	auto &path = file.path;
	if (flags.OpenForWriting()) {
		if (flags.OpenForReading() || flags.OpenForAppending()) {
			throw IOException("Cannot open file \"%s\": an object of a store is written as a whole, and not changed", path);
		}
		if (flags.ExclusiveCreate() && !FindObject(*this, path, interrupt).empty()) {
			if (flags.ReturnNullIfExists()) {
				return nullptr;
			}
			throw IOException("Cannot open file \"%s\": File exists", path);
		}
		return make_uniq<ObjectWriter>(*this, path, flags, interrupt);
	}
	auto found = FindObject(*this, path, interrupt);
	if (found.empty()) {
		if (flags.ReturnNullIfNotExists()) {
			return nullptr;
		}
		throw IOException("Cannot open file \"%s\": No such file or directory", path);
	}
	return make_uniq<ObjectReader>(*this, path, flags, std::move(found[0]), interrupt);
}

int64_t ObjectFileSystem::Read(FileHandle &handle, void *buffer, int64_t count) {
	return NumericCast<int64_t>(Reader(handle).ReadNext(static_cast<data_ptr_t>(buffer), NumericCast<idx_t>(count)));
}

void ObjectFileSystem::Read(FileHandle &handle, void *buffer, int64_t count, idx_t location) {
	auto &reader = Reader(handle);
	auto wanted = NumericCast<idx_t>(count);
	if (location > reader.object.size_bytes || wanted > reader.object.size_bytes - location) {
		throw IOException("Could not read %d bytes from position %d of file \"%s\", which has %d bytes", wanted, location,
		                  handle.path, reader.object.size_bytes);
	}
	reader.ReadAt(static_cast<data_ptr_t>(buffer), wanted, location);
}

int64_t ObjectFileSystem::Write(FileHandle &handle, void *buffer, int64_t count) {
	Writer(handle).Append(static_cast<const char *>(buffer), NumericCast<idx_t>(count));
	return count;
}

void ObjectFileSystem::Write(FileHandle &handle, void *buffer, int64_t count, idx_t location) {
	if (location != Writer(handle).size) {
		throw IOException("Cannot write file \"%s\" at position %d: an object of a store is written from its beginning to its end",
		                  handle.path, location);
	}
	Write(handle, buffer, count);
}

void ObjectFileSystem::Seek(FileHandle &handle, idx_t location) {
	Reader(handle).position = location;
}

void ObjectFileSystem::Reset(FileHandle &handle) {
	Reader(handle).position = 0;
}

idx_t ObjectFileSystem::SeekPosition(FileHandle &handle) {
	auto writer = dynamic_cast<ObjectWriter *>(&handle);
	return writer ? writer->size : Reader(handle).position;
}

void ObjectFileSystem::FileSync(FileHandle &handle) {
	if (auto writer = dynamic_cast<ObjectWriter *>(&handle)) {
		writer->Finish();
	}
}

void ObjectFileSystem::AbortFileWrite(FileHandle &handle) {
	Writer(handle).Abort();
}

int64_t ObjectFileSystem::GetFileSize(FileHandle &handle) {
	auto writer = dynamic_cast<ObjectWriter *>(&handle);
	return NumericCast<int64_t>(writer ? writer->size : Reader(handle).object.size_bytes);
}

timestamp_t ObjectFileSystem::GetLastModifiedTime(FileHandle &handle) {
	return Reader(handle).object.modified;
}

string ObjectFileSystem::GetVersionTag(FileHandle &handle) {
	return Reader(handle).object.e_tag;
}

FileType ObjectFileSystem::GetFileType(FileHandle &) {
	return FileType::FILE_TYPE_REGULAR;
}

FileMetadata ObjectFileSystem::Stats(FileHandle &handle) {
	FileMetadata result;
	result.file_size = GetFileSize(handle);
	result.file_type = FileType::FILE_TYPE_REGULAR;
	if (auto reader = dynamic_cast<ObjectReader *>(&handle)) {
		result.last_modification_time = reader->object.modified;
		result.version_tag = reader->object.e_tag;
	}
	return result;
}

bool ObjectFileSystem::FileExists(const string &path, optional_ptr<FileOpener> opener) {
	return !FindObject(*this, path, StatementInterrupt(opener)).empty();
}

bool ObjectFileSystem::DirectoryExists(const string &path, optional_ptr<FileOpener> opener) {
	bool result = false;
	StatementInterrupt interrupt(opener);
	ThrowIfFailed(stores.is_folder(View(path), interrupt.View(), &result));
	return result;
}

void ObjectFileSystem::CreateDirectory(const string &, optional_ptr<FileOpener>) {
}

bool ObjectFileSystem::CreateDirectoryExtended(const string &, const CreateDirectoryOptions &, optional_ptr<FileOpener>) {
	return false;
}

void ObjectFileSystem::RemoveDirectory(const string &path, optional_ptr<FileOpener> opener) {
	auto store = ObjectUrl(path).store;
	for (auto &object : ListObjects(*this, path, true, opener).objects) {
		RemoveFile(store + object.key, opener);
	}
}

void ObjectFileSystem::RemoveFile(const string &path, optional_ptr<FileOpener> opener) {
	StatementInterrupt interrupt(opener);
	ThrowIfFailed(stores.remove(View(path), interrupt.View()));
}

bool ObjectFileSystem::TryRemoveFile(const string &path, optional_ptr<FileOpener> opener) {
	if (!FileExists(path, opener)) {
		return false;
	}
	RemoveFile(path, opener);
	return true;
}

void ObjectFileSystem::RemoveFiles(const vector<string> &paths, optional_ptr<FileOpener> opener) {
	for (auto &path : paths) {
		RemoveFile(path, opener);
	}
}

void ObjectFileSystem::MoveFile(const string &source, const string &target, optional_ptr<FileOpener> opener) {
	StatementInterrupt interrupt(opener);
	ThrowIfFailed(stores.copy(View(source), View(target), interrupt.View()));
	RemoveFile(source, opener);
}

bool ObjectFileSystem::ListFilesExtended(const string &directory, const std::function<void(OpenFileInfo &info)> &callback,
                                         optional_ptr<FileOpener> opener) {
	auto found = ListObjects(*this, directory, false, opener);
	for (auto &key : found.folders) {
		auto info = Listed(key, "directory");
		callback(info);
	}
	for (auto &object : found.objects) {
		auto info = Listed(object.key, "file");
		info.extended_info->options["file_size"] = Value::UBIGINT(object.size_bytes);
		info.extended_info->options["last_modified"] = Value::TIMESTAMP(object.modified);
		info.extended_info->options["etag"] = Value(object.e_tag);
		callback(info);
	}
	return !found.folders.empty() || !found.objects.empty();
}

void RegisterObjectStores(DatabaseInstance &instance, const dh_engine_object_stores &stores) {
	FileSystem::GetFileSystem(instance).RegisterSubSystem(make_uniq<ObjectFileSystem>(instance, stores));
}

} // namespace duckling
