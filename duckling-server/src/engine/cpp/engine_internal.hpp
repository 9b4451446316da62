// Shared by the engine's C++ files; never seen by Rust.
#pragma once

#include "engine.h"

#include "arrow_batches.hpp"

#include "duckdb.hpp"
#include "duckdb/main/query_result_stream.hpp"

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

struct dh_engine_stream {
	//! Keeps the connection's context alive while the stream reads from it
	duckdb::shared_ptr<duckdb::ClientContext> context;
	//! A SELECT is drained as it runs; anything else is run to its end first, and then read from `retained`
	duckdb::unique_ptr<duckdb::QueryResultStream<duckling::BoundedArrowFormat>> draining;
	duckdb::unique_ptr<duckdb::QueryResult> retained;
	duckdb::idx_t next_retained = 0;
	duckdb::vector<duckdb::LogicalType> types;
	duckdb::vector<duckdb::Identifier> names;
	duckdb::ClientProperties properties;

	duckdb::unique_ptr<duckdb::ArrowArrayWrapper> Fetch();
};

namespace duckling {

//! Run `body` and turn whatever it throws into an error handle.
dh_engine_error *Guard(const std::function<void()> &body) noexcept;

inline std::string ToString(dh_engine_str text) {
	return std::string(text.data, text.len);
}

//! The one statement in `sql`.
duckdb::unique_ptr<duckdb::SQLStatement> ParseOne(duckdb::Connection &connection, const std::string &sql);

//! The stream of a submitted statement. `written_type` is the type of the statement as it was written.
dh_engine_stream *OpenStream(duckdb::Connection &connection, duckdb::StatementType written_type,
                             duckdb::unique_ptr<duckdb::QueryResult> result);

//! Fill `out_schema` and `out` with the shape of a bound statement's result.
void Describe(duckdb::Connection &connection, duckdb::PreparedStatement &prepared, ArrowSchema *out_schema,
              dh_engine_description *out);

//! Give the rows of `input` to the one arrow_scan() in `statement`: a SELECT, an INSERT or a CREATE TABLE AS.
void BindInput(duckdb::SQLStatement &statement, ArrowArrayStream *input);

//! Have a database that is opened with `config` load ICU, if this build has it.
void LinkIcu(duckdb::DBConfig &config);

} // namespace duckling
