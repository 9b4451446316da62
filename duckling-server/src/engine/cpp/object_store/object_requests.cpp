// Translates between C++ and the functions of Rust.

#include "object_requests.hpp"

#include "engine_internal.hpp"

#include "duckdb/common/file_opener.hpp"

using namespace duckdb;

namespace duckling {

StatementInterrupt::StatementInterrupt(optional_ptr<FileOpener> opener) {
	if (auto statement = FileOpener::TryGetClientContext(opener)) {
		context = statement->shared_from_this();
	}
}

dh_engine_interrupt StatementInterrupt::View() const {
	return {const_cast<StatementInterrupt *>(this), [](void *of) {
		        auto statement = static_cast<const StatementInterrupt *>(of)->context.lock();
		        return statement && statement->IsInterrupted();
	        }};
}

dh_engine_object_visitor FoundObjects::Visitor() {
	return {this,
	        [](void *of, const dh_engine_object *object) {
		        static_cast<FoundObjects *>(of)->objects.push_back({ToString(object->key), object->size_bytes,
		                                                            timestamp_t(object->modified_us),
		                                                            ToString(object->e_tag)});
	        },
	        [](void *of, dh_engine_str key) { static_cast<FoundObjects *>(of)->folders.push_back(ToString(key)); }};
}

ObjectUrl::ObjectUrl(const string &path) {
	auto bucket = path.find("://") + 3;
	auto end = path.find('/', bucket);
	store = path.substr(0, end) + "/";
	key = end == string::npos ? "" : path.substr(end + 1);
}

FoundObjects ListObjects(ObjectFileSystem &fs, const string &path, bool is_recursive, optional_ptr<FileOpener> opener) {
	FoundObjects result;
	StatementInterrupt interrupt(opener);
	auto visitor = result.Visitor();
	ThrowIfFailed(fs.stores.list(View(path), is_recursive, interrupt.View(), &visitor));
	return result;
}

} // namespace duckling
