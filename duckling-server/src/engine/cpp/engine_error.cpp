// DuckDB exceptions as error handles.

#include "engine_internal.hpp"

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

static dh_engine_error *MakeError(const std::string &class_name, const std::string &message, int64_t position,
                                  const std::string &subtype) {
	auto error = static_cast<dh_engine_error *>(std::malloc(sizeof(dh_engine_error)));
	if (!error) {
		std::abort();
	}
	error->class_name = CopyString(class_name);
	error->message = CopyString(message);
	error->position = position;
	error->subtype = CopyString(subtype);
	return error;
}

void dh_engine_error_free(dh_engine_error *error) noexcept {
	if (!error) {
		return;
	}
	std::free(error->class_name);
	std::free(error->message);
	std::free(error->subtype);
	std::free(error);
}

namespace duckling {

dh_engine_error *Guard(const std::function<void()> &body) noexcept {
	try {
		body();
		return nullptr;
	} catch (const std::exception &ex) {
		ErrorData error(ex);
		int64_t position = -1;
		auto entry = error.ExtraInfo().find("position");
		if (entry != error.ExtraInfo().end()) {
			position = std::strtoll(entry->second.c_str(), nullptr, 10);
		}
		auto subtype = error.ExtraInfo().find("error_subtype");
		return MakeError(Exception::ExceptionTypeToString(error.Type()), error.RawMessage(), position,
		                 subtype == error.ExtraInfo().end() ? std::string() : subtype->second);
	} catch (...) {
		return MakeError("Internal", "unknown C++ exception", -1, std::string());
	}
}

} // namespace duckling
