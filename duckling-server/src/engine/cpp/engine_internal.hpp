// Shared by the engine's C++ files; never seen by Rust.
#pragma once

#include "engine.h"

#include "duckdb.hpp"

#include <functional>

struct dh_engine_database {
	//! Null once it is closed
	duckdb::shared_ptr<duckdb::DuckDB> database;
};

struct dh_engine_connection {
	//! Keeps the database open for as long as the connection lives
	duckdb::shared_ptr<duckdb::DatabaseInstance> database;
	duckdb::unique_ptr<duckdb::Connection> connection;
};

namespace duckling {

//! Run `body` and turn whatever it throws into an error handle.
dh_engine_error *Guard(const std::function<void()> &body) noexcept;

inline std::string ToString(dh_engine_str text) {
	return std::string(text.data, text.len);
}

//! Give the rows of `input` to the one arrow_scan() in `statement`.
void BindInput(duckdb::SQLStatement &statement, ArrowArrayStream *input);

} // namespace duckling
