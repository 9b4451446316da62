// Forwards to duckdb::Value what the C API cannot do for every type: the cast to text, and equality with DuckDB's own
// tolerance for floating point. Nothing is decided here; src/ffi.rs is the only caller.
//
// Every function returns null on success, or the error text, which the caller frees with dh_text_free.

#include "duckdb.h"
#include "duckdb.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

char *CopyText(const std::string &text) noexcept {
	auto copy = static_cast<char *>(std::malloc(text.size() + 1));
	if (!copy) {
		std::abort();
	}
	std::memcpy(copy, text.data(), text.size());
	copy[text.size()] = '\0';
	return copy;
}

template <class FUNCTION>
char *Guard(FUNCTION &&function) noexcept {
	try {
		function();
		return nullptr;
	} catch (std::exception &ex) {
		return CopyText(duckdb::ErrorData(ex).Message());
	} catch (...) {
		return CopyText("unknown C++ exception");
	}
}

duckdb::ClientContext &Context(duckdb_connection connection) {
	return *reinterpret_cast<duckdb::Connection *>(connection)->context;
}

} // namespace

extern "C" char *dh_value_render(duckdb_connection connection, duckdb_data_chunk chunk, idx_t column, idx_t row,
                                 bool *is_null, char **text, size_t *text_length) noexcept {
	return Guard([&]() {
		auto value = reinterpret_cast<duckdb::DataChunk *>(chunk)->GetValue(column, row);
		*is_null = value.IsNull();
		if (*is_null) {
			return;
		}
		auto rendered = value.CastAs(Context(connection), duckdb::LogicalType::VARCHAR).ToString();
		*text_length = rendered.size();
		*text = CopyText(rendered);
	});
}

extern "C" char *dh_value_equal(duckdb_connection connection, duckdb_logical_type type, const char *left,
                                size_t left_length, const char *right, size_t right_length, bool *equal) noexcept {
	return Guard([&]() {
		auto &context = Context(connection);
		auto &target = *reinterpret_cast<duckdb::LogicalType *>(type);
		auto left_value = duckdb::Value(std::string(left, left_length)).TryCastAs(context, target);
		auto right_value = duckdb::Value(std::string(right, right_length)).TryCastAs(context, target);
		*equal = left_value && right_value && duckdb::Value::ValuesAreEqual(context, *left_value, *right_value);
	});
}

extern "C" void dh_text_free(char *text) noexcept {
	std::free(text);
}
