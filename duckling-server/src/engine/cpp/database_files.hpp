// Writes the files of databases so that a block is never half of one, whenever the process is killed.
#pragma once

#include "duckdb/common/local_file_system.hpp"
#include "duckdb/main/database.hpp"

#include <map>
#include <string>

namespace duckling {

//! DuckDB writes blocks of metadata in place, beside pages in them that the last checkpoint uses. A process that is killed while it does
//! so leaves a block whose checksum is wrong, and DuckDB does not open the file any more. So such a block is written to a file beside the
//! database first, `FILE.block`, from which it is completed when the database is opened. That is no help when the power fails.
class DatabaseFiles : public duckdb::LocalFileSystem {
public:
	~DatabaseFiles() override;

	static DatabaseFiles &Register(duckdb::DatabaseInstance &instance);

	//! Write the file of this database so.
	void Add(const std::string &path);

	bool CanHandleFile(const std::string &path) override;
	bool IsManuallySet() override {
		return true;
	}
	duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string &path, duckdb::FileOpenFlags flags,
	                                                duckdb::optional_ptr<duckdb::FileOpener> opener) override;
	using LocalFileSystem::Write;
	void Write(duckdb::FileHandle &handle, void *buffer, int64_t size, duckdb::idx_t location) override;

private:
	//! The last block that was written in place, of a file
	struct Journal {
		//! Held until the block is where it belongs
		duckdb::mutex lock;
		//! Opened when it is needed
		duckdb::unique_ptr<duckdb::FileHandle> file;
	};

	Journal *Find(const std::string &path);
	bool IsInPlace(duckdb::FileHandle &handle, int64_t size, duckdb::idx_t location);
	//! Complete the block that a process which was killed was writing.
	void Complete(duckdb::FileHandle &handle);

	duckdb::mutex lock;
	//! By path
	std::map<std::string, Journal> journals;
};

} // namespace duckling
