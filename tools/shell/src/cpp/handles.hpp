//! What stands behind the opaque handles, and the guard that turns exceptions into error handles.
#pragma once

#include "progress.hpp"
#include "shell_bridge.hpp"

#include "duckdb.hpp"
#include "duckdb/common/error_data.hpp"
#include "duckdb/main/query_result_stream.hpp"
#include "duckdb/main/statement_iterator.hpp"
#include "duckdb/parser/sql_statement.hpp"

#include <string>

struct dh_error {
	std::string message;
};

struct dh_text {
	std::string text;
};

struct dh_session {
	duckdb::Connection &connection;
	duckdb::shared_ptr<ProgressSlot> progress;

	duckdb::ClientContext &Context() const {
		return *connection.context;
	}
};

struct dh_statements {
	dh_session &session;
	std::string sql;
	duckdb::StatementIterator iterator;
};

struct dh_statement {
	duckdb::unique_ptr<duckdb::SQLStatement> statement;
};

struct dh_chunk {
	duckdb::DataChunk text;
};

struct dh_query {
	dh_session &session;
	dh_query_kind kind;
	//! Exactly one is set: the stream for what DuckDB streams, the retained result for the rest.
	duckdb::unique_ptr<duckdb::QueryResultStream<>> stream;
	duckdb::unique_ptr<duckdb::QueryResult> retained;
	duckdb::vector<std::string> names;
	duckdb::vector<duckdb::LogicalType> types;

	//! The next rows, null at the end; throws the result's error.
	duckdb::unique_ptr<duckdb::DataChunk> Fetch();
	~dh_query();
};

inline dh_slice ToSlice(const std::string &text) {
	return dh_slice {text.data(), text.size()};
}

//! Run the body; an exception becomes an error handle with DuckDB's own message.
template <class BODY>
dh_error *Guard(BODY &&body) noexcept {
	try {
		body();
		return nullptr;
	} catch (const std::exception &exception) {
		return new dh_error {duckdb::ErrorData(exception).Message()};
	} catch (...) {
		return new dh_error {"Unknown error"};
	}
}
