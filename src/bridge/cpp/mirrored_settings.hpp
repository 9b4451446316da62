// Settings of the client that change what a statement means.
#pragma once

#include "bridge_internal.hpp"

namespace duckherder {

//! Their values now, to be sent with a statement: the server must answer as the client would.
class MirroredSettings {
public:
	//! `profiles`: the statement is an EXPLAIN ANALYZE, and is to show its operators whatever they are.
	MirroredSettings(duckdb::ClientContext &context, bool profiles);
	// The views point into the texts
	MirroredSettings(const MirroredSettings &) = delete;

	const dh_option *Data() const {
		return views.data();
	}
	size_t Count() const {
		return views.size();
	}

private:
	duckdb::vector<std::string> values;
	duckdb::vector<dh_option> views;
};

} // namespace duckherder
