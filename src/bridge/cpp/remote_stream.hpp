// What a server answers to a statement, as DuckDB reads it.
#pragma once

#include "sent_statement.hpp"

#include "duckdb/common/enums/statement_type.hpp"
#include "duckdb/function/table/arrow.hpp"

namespace duckherder {

//! How far the server is with a statement.
class RemoteProgress {
public:
	RemoteProgress();
	~RemoteProgress();
	RemoteProgress(const RemoteProgress &) = delete;

	//! Between 0 and 100; never less than before
	double Percent() const;
	const dh_progress *Handle() const {
		return handle;
	}

private:
	dh_progress *handle = nullptr;
};

//! A statement that the server has described, runs, or both. Dropping it stops the statement on the server.
class RemoteStream {
public:
	//! `writes`: may leave something changed, if it is run. `shown` is given by a scan: what the server tells while it runs
	//! the statement appears there, and DuckDB shows it meanwhile.
	RemoteStream(duckdb::ClientContext &context, duckdb::Catalog &catalog, SentStatement statement, dh_execute_mode mode,
	             bool writes, duckdb::shared_ptr<RemoteProgress> shown = nullptr);
	~RemoteStream();

	//! The Arrow columns, numbered from 0 in the statement's order.
	duckdb::ArrowTableSchema &Columns() {
		return columns;
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
	duckdb::shared_ptr<duckdb::ArrowArrayWrapper> Next(const Interrupt &interrupt);

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

//! A stream that was opened when its statement was bound, until its execution takes it over.
struct OpenedStream {
	duckdb::unique_ptr<RemoteStream> stream;
};

//! Refuse columns that are not of the types that were promised.
void CheckColumnTypes(duckdb::ArrowTableSchema &columns, const duckdb::vector<duckdb::LogicalType> &expected);

} // namespace duckherder
