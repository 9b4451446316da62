// Reads by ranges, and writes as a whole.

#include "object_handles.hpp"

#include "engine_internal.hpp"

#include <cstring>
#include <exception>

using namespace duckdb;

namespace duckling {

namespace {

//! Of one request: it has to be answered in time
constexpr idx_t MAX_REQUEST_BYTES = 16 << 20;
constexpr idx_t FIRST_AHEAD_BYTES = 64 << 10;
constexpr idx_t MAX_AHEAD_BYTES = 4 << 20;

} // namespace

ObjectReader::ObjectReader(ObjectFileSystem &fs, string path, FileOpenFlags flags, FoundObject object_p,
                           StatementInterrupt interrupt_p)
    : FileHandle(fs, std::move(path), flags), object(std::move(object_p)), stores(fs.stores),
      interrupt(std::move(interrupt_p)), ahead_bytes(FIRST_AHEAD_BYTES) {
}

void ObjectReader::ReadAt(data_ptr_t out, idx_t count, idx_t location) {
	while (count > 0) {
		auto now = MinValue(count, MAX_REQUEST_BYTES);
		ThrowIfFailed(stores.read(View(path), View(object.e_tag), location, now, interrupt.View(), out));
		out += now;
		location += now;
		count -= now;
	}
}

void ObjectReader::FetchAhead(idx_t wanted) {
	auto count = MinValue(MaxValue(wanted, ahead_bytes), object.size_bytes - position);
	ahead.resize(count);
	ahead_begin = position;
	try {
		ReadAt(ahead.data(), count, position);
	} catch (...) {
		ahead.clear();
		throw;
	}
	ahead_bytes = MinValue(2 * ahead_bytes, MAX_AHEAD_BYTES);
}

idx_t ObjectReader::ReadNext(data_ptr_t out, idx_t count) {
	if (position >= object.size_bytes) {
		return 0;
	}
	count = MinValue(count, object.size_bytes - position);
	auto ahead_end = ahead_begin + ahead.size();
	auto is_ahead = position >= ahead_begin && position < ahead_end;
	if (!is_ahead && count >= MAX_AHEAD_BYTES) {
		ReadAt(out, count, position);
		position += count;
		return count;
	}
	if (!is_ahead) {
		FetchAhead(count);
		ahead_end = ahead_begin + ahead.size();
	}
	count = MinValue(count, ahead_end - position);
	memcpy(out, ahead.data() + (position - ahead_begin), count);
	position += count;
	return count;
}

ObjectWriter::ObjectWriter(ObjectFileSystem &fs, string path_p, FileOpenFlags flags, StatementInterrupt interrupt_p)
    : FileHandle(fs, std::move(path_p), flags), stores(fs.stores), interrupt(std::move(interrupt_p)) {
	ThrowIfFailed(stores.upload_begin(View(path), &upload));
}

ObjectWriter::~ObjectWriter() {
	if (upload && append_count == 1 && std::uncaught_exceptions() == 0) {
		dh_engine_error_free(stores.upload_finish(upload, interrupt.View()));
	}
	Abort();
}

void ObjectWriter::Append(const char *data, idx_t count) {
	if (!upload) {
		throw IOException("Cannot write file \"%s\": it is complete, or was given up", path);
	}
	ThrowIfFailed(stores.upload_write(upload, {data, count}, interrupt.View()));
	size += count;
	append_count++;
}

void ObjectWriter::Finish() {
	if (!upload) {
		return;
	}
	auto failure = stores.upload_finish(upload, interrupt.View());
	Abort();
	ThrowIfFailed(failure);
}

void ObjectWriter::Abort() {
	if (upload) {
		stores.upload_free(upload);
		upload = nullptr;
	}
}

} // namespace duckling
