// DuckDB exceptions as error handles.

#include "engine_internal.hpp"

#include "duckdb/common/string_util.hpp"

#include <cstdlib>
#include <cstring>

using namespace duckdb;

static char *CopyString(const std::string &text) {
	auto copy = static_cast<char *>(std::malloc(text.size() + 1));
	if (copy) {
		std::memcpy(copy, text.c_str(), text.size() + 1);
	}
	return copy;
}

static dh_engine_error *MakeError(const std::string &class_name, const std::string &message,
                                  const unordered_map<string, string> &details) {
	auto error = static_cast<dh_engine_error *>(std::malloc(sizeof(dh_engine_error)));
	if (!error) {
		std::abort();
	}
	error->class_name = CopyString(class_name);
	error->message = CopyString(message);
	error->details = static_cast<dh_engine_error_detail *>(std::calloc(details.size() + 1, sizeof(dh_engine_error_detail)));
	error->detail_count = 0;
	if (error->details) {
		for (auto &detail : details) {
			error->details[error->detail_count++] = {CopyString(detail.first), CopyString(detail.second)};
		}
	}
	return error;
}

void dh_engine_error_free(dh_engine_error *error) noexcept {
	if (!error) {
		return;
	}
	std::free(error->class_name);
	std::free(error->message);
	for (size_t i = 0; i < error->detail_count; i++) {
		std::free(error->details[i].name);
		std::free(error->details[i].value);
	}
	std::free(error->details);
	std::free(error);
}

//! The error as it was thrown: where `errors_as_json` is set, DuckDB has made one text of it and all that it knows of it.
static ErrorData Thrown(const std::exception &ex) {
	ErrorData error(ex);
	if (!StringUtil::StartsWith(error.RawMessage(), "{")) {
		return error;
	}
	try {
		ErrorData thrown(error.RawMessage());
		// A text that only looks like one has no message
		return thrown.RawMessage().empty() ? error : thrown;
	} catch (const std::exception &) {
		return error;
	}
}

dh_engine_error *dh_engine_error_create(dh_engine_str class_name, dh_engine_str message) noexcept {
	return MakeError(duckling::ToString(class_name), duckling::ToString(message), {});
}

namespace duckling {

dh_engine_error *Guard(const std::function<void()> &body) noexcept {
	try {
		body();
		return nullptr;
	} catch (const std::exception &ex) {
		auto error = Thrown(ex);
		return MakeError(Exception::ExceptionTypeToString(error.Type()), error.RawMessage(), error.ExtraInfo());
	} catch (...) {
		return MakeError("Internal", "unknown C++ exception", {});
	}
}

} // namespace duckling
