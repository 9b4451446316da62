// Rows of the client on their way into a table of a server.
#pragma once

#include "sent_statement.hpp"
#include "travelling_types.hpp"

#include "duckdb/common/arrow/arrow_appender.hpp"
#include "duckdb/common/types/data_chunk.hpp"

namespace duckherder {

class RemoteTransaction;

//! Where rows go.
struct LoadTarget {
	//! Statement that creates the table first, or empty
	std::string create_sql;
	//! The schema's own name, after those of the schemas around it; empty for a temporary table
	duckdb::vector<std::string> schema;
	std::string table;
	duckdb::vector<std::string> columns;
	duckdb::vector<duckdb::LogicalType> types;
};

//! A load in progress; several threads may take part in it. Unless it is finished, nothing is loaded.
class RemoteLoad {
public:
	//! `in_transaction`: as part of the session's transaction, which is begun first if none is open.
	RemoteLoad(duckdb::ClientContext &context, RemoteTransaction &transaction, const LoadTarget &target,
	           bool in_transaction);
	~RemoteLoad();
	RemoteLoad(const RemoteLoad &) = delete;
	RemoteLoad &operator=(const RemoteLoad &) = delete;

	//! Rows of one thread that are not sent yet
	using Batch = duckdb::unique_ptr<duckdb::ArrowAppender>;

	//! Add rows to `batch`, and send it if it is large enough.
	void Append(duckdb::ClientContext &context, Batch &batch, duckdb::DataChunk &chunk);
	//! Send what is left.
	void Flush(duckdb::ClientContext &context, Batch &batch);
	//! Wait until the server has taken everything in. Returns the number of rows.
	uint64_t Finish(duckdb::ClientContext &context);

private:
	RemoteCatalog &catalog;
	const bool in_transaction;
	//! Creates the table
	const SentStatement sent;
	duckdb::vector<duckdb::LogicalType> types;
	duckdb::ClientProperties properties;
	duckling::ExtensionTypes extension_types;
	dh_ingest *ingest = nullptr;
};

} // namespace duckherder
