// The C boundary between DuckDB's classes (C++) and Duckherder's logic (Rust).
//
// Rust hands C++ one table of callbacks when the extension loads; C++ calls nothing else of Rust's, so the library
// exports its entry point alone. Every callback that can fail returns null or an error that C++ frees through the table.
// Only opaque handles, pointer + length strings and Arrow C structs cross.
#pragma once

#include <cstddef>
#include <cstdint>

struct ArrowSchema;
struct ArrowArray;

extern "C" {

//! Borrowed UTF-8, or other bytes where a field says so; valid for the call, or for as long as the handle it was read from.
struct dh_str {
	const char *data;
	size_t len;
};

struct dh_error_detail {
	dh_str name;
	dh_str value;
};

struct dh_error {
	//! DuckDB exception class as DuckDB prints it, such as "Catalog"
	dh_str class_name;
	dh_str message;
	//! What DuckDB calls the extra info of an exception
	const dh_error_detail *details;
	size_t detail_count;
};

//! Tells a waiting call whether the statement is to stop: cancelled by the user, or out of time.
struct dh_interrupt {
	//! DuckDB's text for why; null as long as it may go on. Lives for ever.
	dh_str (*reason)(void *context);
	void *context;
};

//! A text that Rust owns.
struct dh_text {
	dh_str text;
};

struct dh_option {
	dh_str name;
	dh_str value;
};

//! One statement that a server has recorded.
struct dh_query_record {
	uint64_t query_id;
	bool has_user_name;
	dh_str user_name;
	dh_str session_id;
	dh_str sql;
	//! Since 1970
	int64_t started_us;
	uint64_t duration_us;
	uint64_t rows;
	uint64_t sent_bytes;
	uint64_t cpu_us;
	uint64_t peak_memory_bytes;
	uint64_t spilled_bytes;
	dh_str status;
	bool has_error;
	dh_str error;
	//! Workers of the server did a part of it, of which the rest tells
	bool is_distributed;
	dh_str mode;
	dh_str merge;
	uint64_t workers;
	uint64_t tasks;
	uint64_t stages;
	uint64_t exchanged_rows;
	uint64_t exchanged_bytes;
	uint64_t worker_cpu_us;
};

struct dh_query_history {
	const dh_query_record *records;
	size_t record_count;
};

//! A worker as its driver knows it.
struct dh_worker {
	dh_str id;
	//! "host:port"
	dh_str address;
	//! It answers; else it is lost
	bool is_active;
	uint64_t threads;
	uint64_t memory_limit_bytes;
	uint64_t memory_used_bytes;
	uint64_t tasks_running;
	uint64_t tasks_done;
	//! Since 1970
	int64_t last_heartbeat_us;
	dh_str version;
};

struct dh_workers {
	const dh_worker *workers;
	size_t worker_count;
};

//! An attached server.
struct dh_catalog;
//! One client connection's session on an attached server.
struct dh_session;
//! A result that is being read.
struct dh_stream;
//! How far the server is with a statement.
struct dh_progress;
//! A load that is being written.
struct dh_ingest;

//! Mirrors duckling_protocol::EntryKind
enum dh_entry_kind {
	DH_ENTRY_TABLE = 0,
	DH_ENTRY_VIEW = 1,
	DH_ENTRY_INDEX = 2,
	DH_ENTRY_SEQUENCE = 3,
	DH_ENTRY_TYPE = 4,
	DH_ENTRY_MACRO = 5,
	DH_ENTRY_TABLE_MACRO = 6
};

struct dh_table_index {
	bool unique;
	bool primary;
	bool foreign;
	//! Physical numbers of its columns
	const uint64_t *columns;
	size_t column_count;
};

struct dh_entry {
	int32_t kind;
	//! Which of the snapshot's schemas it is in
	size_t schema;
	dh_str name;
	//! A serialized CreateInfo
	dh_str definition;
	uint64_t oid;
	const dh_table_index *indexes;
	size_t index_count;
};

//! What changes about a table or sequence while the catalog stays as it is.
struct dh_entry_state {
	uint64_t oid;
	uint64_t rows;
	uint64_t usage_count;
	int64_t counter;
	bool has_last_value;
	int64_t last_value;
	//! Of each column, estimated; 0 if unknown
	const uint64_t *distinct_counts;
	size_t column_count;
};

struct dh_schema {
	//! Its own name, after those of the schemas around it
	const dh_str *path;
	size_t path_len;
	//! DuckDB's own
	bool internal;
};

//! The remote catalog at one moment.
struct dh_snapshot {
	//! The catalog is still what the client knows: all but the states is empty
	bool is_unchanged;
	uint64_t version;
	const dh_schema *schemas;
	size_t schema_count;
	const dh_entry *entries;
	size_t entry_count;
	const dh_entry_state *states;
	size_t state_count;
};

enum dh_return_kind { DH_RETURN_ROWS = 0, DH_RETURN_CHANGED_ROWS = 1, DH_RETURN_NOTHING = 2 };

//! Mirrors duckling_protocol::ExecuteMode
enum dh_execute_mode { DH_EXECUTE_RUN = 0, DH_EXECUTE_DESCRIBE_AND_RUN = 1, DH_EXECUTE_DESCRIBE = 2 };

//! A statement on its way to the server.
struct dh_statement {
	dh_str sql;
	int32_t mode;
	//! Start the session's transaction first if none is open
	bool begin;
	//! May leave something changed, if it is run
	bool writes;
	//! Settings of the client to run under
	const dh_option *settings;
	size_t setting_count;
	//! When the client's transaction began, in microseconds since 1970, UTC
	int64_t started_us;
	//! Names and DuckDB types: run it only if it returns these columns, and describe it. None: whatever it returns
	const dh_option *expected_columns;
	size_t expected_column_count;
	//! To be told how far the server is; null if nobody wants to know
	const dh_progress *progress;
};

//! What the server says of a statement, before its rows.
struct dh_answer {
	//! The first two only if a description was asked for
	int32_t return_kind;
	bool read_only;
	//! DuckDB type of each column as SQL; fewer than the schema's columns where the server cannot tell
	const dh_str *column_types;
	size_t column_type_count;
	//! Of the remote catalog as the transaction sees it; 0 if unknown
	uint64_t catalog_version;
	//! The statement has run to its end
	bool has_run;
	//! What the user is to be told beside the result
	const dh_str *notices;
	size_t notice_count;
};

struct dh_ingest_target {
	//! Statement that creates the table first, or empty
	dh_str create_sql;
	//! The schema's own name, after those of the schemas around it; empty for a temporary table
	const dh_str *schema;
	size_t schema_len;
	dh_str table;
	const dh_str *columns;
	size_t column_count;
	//! Load in the session's transaction, and begin it first if none is open; else in one of its own
	bool begin;
};

struct dh_callbacks {
	void (*error_free)(dh_error *error);

	dh_error *(*catalog_attach)(dh_str alias, dh_str path, const dh_option *options, size_t option_count,
	                            const dh_interrupt *interrupt, dh_catalog **out);
	void (*catalog_free)(dh_catalog *catalog);
	//! "host:port/database", for the prompt of a connected shell
	dh_str (*catalog_display)(const dh_catalog *catalog);
	//! The database on the server
	dh_str (*catalog_database)(const dh_catalog *catalog);
	bool (*catalog_has_database)(const dh_catalog *catalog, dh_str lower_name);
	bool (*catalog_has_function)(const dh_catalog *catalog, dh_str lower_name);

	dh_error *(*session_open)(const dh_catalog *catalog, const dh_interrupt *interrupt, dh_session **out);
	void (*session_free)(dh_session *session);
	dh_error *(*session_snapshot)(dh_session *session, bool begin, const uint64_t *known_version, bool want_states,
	                              const dh_interrupt *interrupt, dh_snapshot **out);
	void (*snapshot_free)(dh_snapshot *snapshot);
	//! `out_stream` is null if the statement was described only.
	dh_error *(*session_execute)(dh_session *session, const dh_statement *statement, const dh_interrupt *interrupt,
	                             ArrowSchema *out_schema, dh_answer **out_answer, dh_stream **out_stream);
	void (*answer_free)(dh_answer *answer);
	dh_error *(*progress_new)(dh_progress **out);
	//! Between 0 and 100; never less than before. Does not wait, and may be called from any thread.
	double (*progress_percent)(const dh_progress *progress);
	void (*progress_free)(dh_progress *progress);
	//! Install and load an extension on the server; `out` gets what was loaded.
	dh_error *(*session_load_extension)(const dh_catalog *catalog, dh_session *session, dh_str name, dh_str repository,
	                                    dh_str version, const dh_interrupt *interrupt, dh_text **out);
	void (*text_free)(dh_text *text);
	//! What the server has recorded of all its clients' statements, oldest first.
	//! `own`: of this session alone
	dh_error *(*session_query_history)(dh_session *session, bool own, const dh_interrupt *interrupt,
	                                    dh_query_history **out);
	void (*query_history_free)(dh_query_history *history);
	//! Have the server take the one at `location` ("grpc://host:port") as a worker.
	dh_error *(*session_register_worker)(dh_session *session, dh_str id, dh_str location,
	                                     const dh_interrupt *interrupt);
	//! Have the server do without a worker.
	dh_error *(*session_unregister_worker)(dh_session *session, dh_str id, const dh_interrupt *interrupt);
	//! Have the server be a worker of the one at `location`.
	dh_error *(*session_register_driver)(dh_session *session, dh_str id, dh_str location,
	                                     const dh_interrupt *interrupt);
	//! The workers of the server, by id.
	dh_error *(*session_workers)(dh_session *session, const dh_interrupt *interrupt, dh_workers **out);
	void (*workers_free)(dh_workers *workers);
	dh_error *(*session_end_transaction)(dh_session *session, bool commit, const dh_interrupt *interrupt);
	//! Roll back without waiting for it
	void (*session_abandon_transaction)(dh_session *session);

	//! The next batch; `out->release` is null at the end.
	dh_error *(*stream_next)(dh_stream *stream, const dh_interrupt *interrupt, ArrowArray *out);
	void (*stream_free)(dh_stream *stream);

	//! Consumes `schema`.
	dh_error *(*ingest_open)(dh_session *session, const dh_ingest_target *target, ArrowSchema *schema,
	                         const dh_interrupt *interrupt, dh_ingest **out);
	//! Consumes `batch`; waits while the server is behind. May be called from several threads.
	dh_error *(*ingest_push)(dh_ingest *ingest, ArrowArray *batch, const dh_interrupt *interrupt);
	//! Wait until the server has taken everything in.
	dh_error *(*ingest_finish)(dh_ingest *ingest, const dh_interrupt *interrupt, uint64_t *out_rows);
	//! Without a finish before it, nothing is loaded.
	void (*ingest_free)(dh_ingest *ingest);
};

//! Register the storage extension and its table function with the database that loads the extension. Returns null, or a
//! message to be freed with dh_message_free. `extension` is the duckdb_v2_extension_handle of the entry point; the
//! callbacks must live as long as the process.
char *dh_bridge_register(void *extension, const dh_callbacks *callbacks) noexcept;
void dh_message_free(char *message) noexcept;
}
