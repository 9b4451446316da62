// A remote result as DuckDB reads it.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table/arrow.hpp"

namespace duckherder {

//! A running remote statement. Dropping it stops the statement on the server.
class RemoteStream {
public:
	RemoteStream(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &sql);
	~RemoteStream();

	//! The Arrow columns, numbered from 0 in the statement's order.
	duckdb::ArrowTableSchema &Columns() {
		return columns;
	}
	//! The next batch that has rows; null at the end. One thread at a time.
	duckdb::shared_ptr<duckdb::ArrowArrayWrapper> Next(duckdb::ClientContext &context);

private:
	dh_stream *stream = nullptr;
	duckdb::ArrowSchemaWrapper schema;
	duckdb::ArrowTableSchema columns;
};

//! Refuse Arrow columns that would not come out as the DuckDB types that were promised. An ENUM travels as a dictionary of
//! strings, which is told apart from text by the promised type alone: those are cast back when they are read.
void CheckColumnTypes(duckdb::ArrowTableSchema &columns, const duckdb::vector<duckdb::LogicalType> &expected);

} // namespace duckherder
