// Objects that are open.
#pragma once

#include "object_requests.hpp"

namespace duckling {

//! An object as it was when it was opened.
class ObjectReader : public duckdb::FileHandle {
public:
	ObjectReader(ObjectFileSystem &fs, std::string path, duckdb::FileOpenFlags flags, FoundObject object,
	             StatementInterrupt interrupt);

	//! Bytes that are there. May be called by several threads.
	void ReadAt(duckdb::data_ptr_t out, duckdb::idx_t count, duckdb::idx_t location);
	//! At most `count` bytes from `position` on. More are fetched if little is asked for again and again.
	duckdb::idx_t ReadNext(duckdb::data_ptr_t out, duckdb::idx_t count);
	void Close() override {
	}

	const FoundObject object;
	duckdb::idx_t position = 0;

private:
	void FetchAhead(duckdb::idx_t wanted);

	const dh_engine_object_stores &stores;
	StatementInterrupt interrupt;
	//! Bytes from `ahead_begin` on
	std::vector<duckdb::data_t> ahead;
	duckdb::idx_t ahead_begin = 0;
	duckdb::idx_t ahead_bytes;
};

//! An object that becomes visible when it is closed. One that is destroyed before does not, unless a single call has written it:
//! so DuckDB writes the scripts of EXPORT DATABASE.
class ObjectWriter : public duckdb::FileHandle {
public:
	ObjectWriter(ObjectFileSystem &fs, std::string path, duckdb::FileOpenFlags flags, StatementInterrupt interrupt);
	~ObjectWriter() override;

	void Append(const char *data, duckdb::idx_t count);
	//! Complete it, if it is not.
	void Finish();
	//! Give it up, if it is not complete.
	void Abort();
	void Close() override {
		Finish();
	}

	duckdb::idx_t size = 0;

private:
	const dh_engine_object_stores &stores;
	StatementInterrupt interrupt;
	//! Of Rust; null once it is complete or given up
	void *upload = nullptr;
	duckdb::idx_t append_count = 0;
};

} // namespace duckling
