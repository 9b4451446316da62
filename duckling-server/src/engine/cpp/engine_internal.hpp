// Shared by the engine's C++ files; never seen by Rust.
#pragma once

#include "engine.h"

#include "arrow_batches.hpp"
#include "meter.hpp"

#include "duckdb.hpp"
#include "duckdb/common/atomic.hpp"
#include "duckdb/main/query_result_stream.hpp"

#include <functional>

struct dh_engine_database {
	//! Null once it is closed
	duckdb::shared_ptr<duckdb::DuckDB> database;
};

namespace duckdb {
class TableFunctionRef;
} // namespace duckdb

namespace duckling {

//! How the result that a connection is reading is told to stop.
struct StopSignal {
	//! Guards the two together
	duckdb::mutex lock;
	//! A SELECT is being read
	bool is_reading = false;
	//! Its reader has enough: the interrupt is not to abort its transaction
	duckdb::atomic<bool> is_stopped {false};
};

} // namespace duckling

struct dh_engine_connection {
	//! Keeps the database open for as long as the connection lives
	duckdb::shared_ptr<duckdb::DatabaseInstance> database;
	duckdb::unique_ptr<duckdb::Connection> connection;
	duckdb::shared_ptr<duckling::StopSignal> stop_signal = duckdb::make_shared_ptr<duckling::StopSignal>();
};

struct dh_engine_stream {
	//! Reads `result` of a statement of `written_type`. Whatever writes is run to its end first.
	dh_engine_stream(dh_engine_connection &handle, duckdb::StatementType written_type,
	                 duckdb::unique_ptr<duckdb::QueryResult> result);
	~dh_engine_stream();

	//! The next batch; null at the end.
	duckdb::unique_ptr<duckdb::ArrowArrayWrapper> Fetch();

private:
	duckdb::unique_ptr<duckdb::ArrowArrayWrapper> FetchDraining();
	//! The SELECT was stopped: let the transaction that it has read in go on, as if its result had been closed.
	void KeepTransaction();

public:
	//! Keeps the connection's context alive while the stream reads from it
	duckdb::shared_ptr<duckdb::ClientContext> context;
	duckdb::shared_ptr<duckling::StopSignal> stop_signal;
	//! A SELECT is drained as it runs; anything else is run to its end first, and then read from `retained`
	duckdb::unique_ptr<duckdb::QueryResultStream<duckling::BoundedArrowFormat>> draining;
	duckdb::unique_ptr<duckdb::QueryResult> retained;
	duckdb::idx_t next_retained = 0;
	duckdb::vector<duckdb::LogicalType> types;
	duckdb::vector<duckdb::Identifier> names;
	duckdb::ClientProperties properties;
	duckdb::StatementReturnType return_type = duckdb::StatementReturnType::QUERY_RESULT;
};

namespace duckling {

//! Run `body` and turn whatever it throws into an error handle.
dh_engine_error *Guard(const std::function<void()> &body) noexcept;

//! Throw what another side of the C boundary has failed with, if it has.
void ThrowIfFailed(dh_engine_error *error);

inline std::string ToString(dh_engine_str text) {
	return std::string(text.data, text.len);
}

//! The one statement that `sql` is.
duckdb::unique_ptr<duckdb::SQLStatement> ParseOne(duckdb::Connection &connection, const std::string &sql);

int32_t ReturnKind(duckdb::StatementReturnType type);

//! Describe a statement from what its binding found.
void FillDescription(duckdb::ClientContext &context, duckdb::StatementType statement_type,
                     const duckdb::StatementProperties &properties, const duckdb::vector<duckdb::LogicalType> &types,
                     const duckdb::vector<duckdb::Identifier> &names, ArrowSchema *out_schema,
                     dh_engine_description *out);

//! Bind a statement without running it.
duckdb::unique_ptr<duckdb::PreparedStatement> Prepare(duckdb::Connection &connection,
                                                      duckdb::unique_ptr<duckdb::SQLStatement> statement);
void Describe(duckdb::Connection &connection, duckdb::PreparedStatement &prepared, ArrowSchema *out_schema,
              dh_engine_description *out);

//! Make ICU part of an instance, if this build has it.
void LinkIcu(duckdb::DBConfig &config);

//! Give the rows of `input` to one call of arrow_scan() or arrow_scan_dumb(), to be read once.
void BindStream(duckdb::TableFunctionRef &ref, ArrowArrayStream *input);

//! Give the rows of `input` to the one arrow_scan() in `statement`: a SELECT, an INSERT or a CREATE TABLE AS.
void BindInput(duckdb::SQLStatement &statement, ArrowArrayStream *input);

} // namespace duckling
