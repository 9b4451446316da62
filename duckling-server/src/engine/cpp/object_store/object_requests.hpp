// What the functions of Rust are called with, and what they find.
#pragma once

#include "object_file_system.hpp"

#include "duckdb/main/client_context.hpp"

namespace duckling {

inline dh_engine_str View(const std::string &text) {
	return {text.data(), text.size()};
}

//! The statement that something is done for, if there is one.
class StatementInterrupt {
public:
	explicit StatementInterrupt(duckdb::optional_ptr<duckdb::FileOpener> opener);

	//! Lives as long as this
	dh_engine_interrupt View() const;

private:
	duckdb::weak_ptr<duckdb::ClientContext> context;
};

struct FoundObject {
	std::string key;
	duckdb::idx_t size_bytes;
	duckdb::timestamp_t modified;
	std::string e_tag;
};

//! What a request finds.
struct FoundObjects {
	std::vector<FoundObject> objects;
	//! Their keys
	std::vector<std::string> folders;

	//! Lives as long as this
	dh_engine_object_visitor Visitor();
};

//! A path in its two parts: "s3://bucket/", and the key.
struct ObjectUrl {
	explicit ObjectUrl(const std::string &path);

	std::string store;
	std::string key;
};

FoundObjects ListObjects(ObjectFileSystem &fs, const std::string &path, bool is_recursive,
                         duckdb::optional_ptr<duckdb::FileOpener> opener);

} // namespace duckling
