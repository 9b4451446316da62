// What a server answers to a statement, as DuckDB reads it.
#pragma once

#include "remote_progress.hpp"
#include "sent_statement.hpp"

#include "duckdb/common/enums/statement_type.hpp"
#include "duckdb/function/table/arrow.hpp"

namespace duckherder {

//! Columns of a result.
struct ResultShape {
	duckdb::vector<std::string> names;
	//! DuckDB's types, as SQL
	duckdb::vector<std::string> types;
};

//! How a thread waits until a statement has started, and where it sees meanwhile how far the server is.
struct WatchedStart {
	duckdb::shared_ptr<RemoteProgress> progress;
	const Interrupt &wait;
};

//! A statement that the server has described, runs, or both. Dropping it stops the statement on the server.
class RemoteStream {
public:
	//! `writes`: may leave something changed, if it is run. `expected`: it is run only if these are its columns, and described.
	//! `profiles`: it is an EXPLAIN ANALYZE. What writes has run when it has started.
	RemoteStream(duckdb::ClientContext &context, duckdb::Catalog &catalog, SentStatement statement, dh_execute_mode mode,
	             bool writes, duckdb::optional_ptr<const ResultShape> expected = nullptr, bool profiles = false,
	             duckdb::optional_ptr<const WatchedStart> start = nullptr);
	~RemoteStream();

	//! The Arrow columns, numbered from 0 in the statement's order.
	duckdb::ArrowTableSchema &Columns() {
		return columns;
	}
	const std::string &Sql() const {
		return sent.Sql();
	}
	//! Rows can be read.
	bool IsRunning() const {
		return stream;
	}

	// If a description was asked for:
	//! DuckDB's types, by name where the server tells them: more exact than what Arrow can say.
	duckdb::vector<duckdb::LogicalType> Types(duckdb::ClientContext &context);
	duckdb::StatementReturnType ReturnType() const;
	bool IsReadOnly() const {
		return answer->read_only;
	}

	//! The next batch that has rows; null at the end. One thread at a time.
	duckdb::shared_ptr<duckdb::ArrowArrayWrapper> Next(const Interrupt &wait);

	const duckdb::shared_ptr<RemoteProgress> progress;

private:
	void Free();

	RemoteCatalog &catalog;
	const SentStatement sent;
	dh_answer *answer = nullptr;
	dh_stream *stream = nullptr;
	duckdb::ArrowSchemaWrapper schema;
	duckdb::ArrowTableSchema columns;
};

//! A stream that was opened when its statement was planned, until its execution takes it over.
struct OpenedStream {
	duckdb::unique_ptr<RemoteStream> stream;
};

//! Refuse columns that are not of the types that were promised.
void CheckColumnTypes(duckdb::ArrowTableSchema &columns, const duckdb::vector<duckdb::LogicalType> &expected);

} // namespace duckherder
