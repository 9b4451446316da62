// DuckDB's files on object stores: s3://, gs://, az:// and the like.
#pragma once

#include "engine.h"

#include "duckdb/common/file_system.hpp"
#include "duckdb/main/database.hpp"

namespace duckling {

//! Asks the stores of the process by the functions that Rust gives. Objects are written as a whole, and there are no folders.
class ObjectFileSystem : public duckdb::FileSystem {
public:
	//! `instance` owns it.
	ObjectFileSystem(duckdb::DatabaseInstance &instance, const dh_engine_object_stores &stores)
	    : stores(stores), instance(instance) {
	}

	const dh_engine_object_stores stores;

	std::string GetName() const override {
		return "ObjectStores";
	}
	//! An extension that somebody has loaded for such URLs goes before, as it knows their secrets, but not for what lies on the storage
	//! of distributed tables.
	bool CanHandleFile(const std::string &path) override;
	//! Before DuckDB looks for an extension to install.
	bool IsManuallySet() override {
		return true;
	}
	bool CanSeek() override {
		return true;
	}
	bool OnDiskFile(duckdb::FileHandle &) override {
		return false;
	}
	bool IsPipe(const std::string &, duckdb::optional_ptr<duckdb::FileOpener>) override {
		return false;
	}
	std::string PathSeparator(const std::string &) override {
		return "/";
	}

	int64_t Read(duckdb::FileHandle &handle, void *buffer, int64_t count) override;
	//! May be called by several threads.
	void Read(duckdb::FileHandle &handle, void *buffer, int64_t count, duckdb::idx_t location) override;
	int64_t Write(duckdb::FileHandle &handle, void *buffer, int64_t count) override;
	void Write(duckdb::FileHandle &handle, void *buffer, int64_t count, duckdb::idx_t location) override;
	void Seek(duckdb::FileHandle &handle, duckdb::idx_t location) override;
	void Reset(duckdb::FileHandle &handle) override;
	duckdb::idx_t SeekPosition(duckdb::FileHandle &handle) override;
	//! Complete an object that is written; nothing can be added then.
	void FileSync(duckdb::FileHandle &handle) override;
	void AbortFileWrite(duckdb::FileHandle &handle) override;
	int64_t GetFileSize(duckdb::FileHandle &handle) override;
	duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle &handle) override;
	std::string GetVersionTag(duckdb::FileHandle &handle) override;
	duckdb::FileType GetFileType(duckdb::FileHandle &handle) override;
	duckdb::FileMetadata Stats(duckdb::FileHandle &handle) override;

	bool FileExists(const std::string &path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	//! Whether anything is in it.
	bool DirectoryExists(const std::string &path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	//! Nothing: a folder is there as soon as anything is in it.
	void CreateDirectory(const std::string &path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	bool CreateDirectoryExtended(const std::string &path, const duckdb::CreateDirectoryOptions &options,
	                             duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	void RemoveDirectory(const std::string &path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	void RemoveFile(const std::string &path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	bool TryRemoveFile(const std::string &path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	void RemoveFiles(const duckdb::vector<std::string> &paths, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	//! Copies within a bucket, and removes the source then.
	void MoveFile(const std::string &source, const std::string &target,
	              duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string &path, duckdb::FileOpener *opener) override;

protected:
	bool SupportsOpenFileExtended() const override {
		return true;
	}
	duckdb::unique_ptr<duckdb::FileHandle> OpenFileExtended(const duckdb::OpenFileInfo &file, duckdb::FileOpenFlags flags,
	                                                        duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	bool SupportsListFilesExtended() const override {
		return true;
	}
	bool ListFilesExtended(const std::string &directory, const std::function<void(duckdb::OpenFileInfo &info)> &callback,
	                       duckdb::optional_ptr<duckdb::FileOpener> opener) override;

private:
	duckdb::DatabaseInstance &instance;
};

//! Have an instance know the URLs of object stores.
void RegisterObjectStores(duckdb::DatabaseInstance &instance, const dh_engine_object_stores &stores);

} // namespace duckling
