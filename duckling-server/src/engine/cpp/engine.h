// The C face of the engine: what Rust may ask of DuckDB beyond its C API.
//
// Every function is noexcept and returns null or an error that the caller frees with dh_engine_error_free. Strings go in
// as pointer and length, come out as NUL-terminated copies that the owner of the struct frees.
#pragma once

#include <cstddef>
#include <cstdint>

struct ArrowSchema;
struct ArrowArray;
struct ArrowArrayStream;

extern "C" {

struct dh_engine_str {
	const char *data;
	size_t len;
};

struct dh_engine_error_detail {
	char *name;
	char *value;
};

struct dh_engine_error {
	//! Exception class as DuckDB prints it, without " Error"
	char *class_name;
	char *message;
	//! What DuckDB calls the extra info of an exception, such as its position in the statement
	dh_engine_error_detail *details;
	size_t detail_count;
};
void dh_engine_error_free(dh_engine_error *error) noexcept;

struct dh_engine_database;
struct dh_engine_connection;
struct dh_engine_stream;
struct dh_engine_prepared;
struct dh_engine_parameters;
struct dh_engine_meter;

struct dh_engine_option {
	dh_engine_str name;
	dh_engine_str value;
};

//! Version of the DuckDB that is linked; a string literal.
const char *dh_engine_duckdb_version() noexcept;
//! Fails if DuckDB refuses the value of a setting.
dh_engine_error *dh_engine_setting_check(dh_engine_str name, dh_engine_str value) noexcept;

//! Tells whether the statement was interrupted that something is done for. May be called from any thread.
struct dh_engine_interrupt {
	void *context;
	bool (*is_interrupted)(void *context);
};

//! What a store tells of an object.
struct dh_engine_object {
	//! Without scheme and bucket
	dh_engine_str key;
	uint64_t size_bytes;
	//! Since 1970 in UTC
	int64_t modified_us;
	//! Of this version of the object; empty if the store has none
	dh_engine_str e_tag;
};

//! Receives what is found; everything it is given lives for the call, and it does not throw.
struct dh_engine_object_visitor {
	void *context;
	void (*object)(void *context, const dh_engine_object *object);
	void (*folder)(void *context, dh_engine_str key);
};

//! Files that URLs of object stores name. Called from DuckDB's threads, which wait; an interrupt ends that.
struct dh_engine_object_stores {
	//! Visit the object, if there is one.
	dh_engine_error *(*head)(dh_engine_str url, dh_engine_interrupt interrupt, const dh_engine_object_visitor *visitor);
	//! Whether there are objects whose keys continue this one after a slash.
	dh_engine_error *(*is_folder)(dh_engine_str url, dh_engine_interrupt interrupt, bool *out);
	//! Visit those objects: all of them, or those right in the folder, and its folders.
	dh_engine_error *(*list)(dh_engine_str url, bool is_recursive, dh_engine_interrupt interrupt,
	                         const dh_engine_object_visitor *visitor);
	//! Copy bytes of the object to `out`. Fails if it has no longer this ETag; an empty one matches any.
	dh_engine_error *(*read)(dh_engine_str url, dh_engine_str e_tag, uint64_t offset, uint64_t count,
	                         dh_engine_interrupt interrupt, uint8_t *out);
	//! Remove the object, if it is there.
	dh_engine_error *(*remove)(dh_engine_str url, dh_engine_interrupt interrupt);
	//! Within a bucket.
	dh_engine_error *(*copy)(dh_engine_str source, dh_engine_str target, dh_engine_interrupt interrupt);
	//! Begin to write an object, which one thread does at a time.
	dh_engine_error *(*upload_begin)(dh_engine_str url, void **out_upload);
	dh_engine_error *(*upload_write)(void *upload, dh_engine_str data, dh_engine_interrupt interrupt);
	//! Complete the object: then it is there, in the place of one of the same key.
	dh_engine_error *(*upload_finish)(void *upload, dh_engine_interrupt interrupt);
	//! Free an upload; one that is not finished leaves no object.
	void (*upload_free)(void *upload);
};

//! Open an instance without databases.
dh_engine_error *dh_engine_database_open(const dh_engine_option *options, size_t option_count,
                                         const dh_engine_object_stores *stores, dh_engine_database **out) noexcept;
//! Have connections that are opened from now on begin in this attached database.
dh_engine_error *dh_engine_database_set_default(dh_engine_database *database, dh_engine_str name) noexcept;
//! Have distributed tables lie in this folder, which is there, or below this URL of an object store.
dh_engine_error *dh_engine_database_set_storage(dh_engine_database *database, dh_engine_str root,
                                                bool by_default) noexcept;
//! Have an attached database list files of distributed tables.
dh_engine_error *dh_engine_connection_create_file_list(dh_engine_connection *connection, dh_engine_str database) noexcept;
//! Hand over what the statements that the connection has bound since the last call have to tell their user.
dh_engine_error *dh_engine_connection_take_notices(dh_engine_connection *connection, void *taker,
                                                   void (*take)(void *taker, dh_engine_str text)) noexcept;
//! What an instance has to work with.
struct dh_engine_resources {
	uint64_t threads;
	uint64_t memory_limit_bytes;
	uint64_t memory_used_bytes;
};
dh_engine_error *dh_engine_database_resources(dh_engine_database *database, dh_engine_resources *out) noexcept;
//! Let go of the instance and its files; every connection must be closed. Only free may follow.
dh_engine_error *dh_engine_database_close(dh_engine_database *database) noexcept;
void dh_engine_database_free(dh_engine_database *database) noexcept;

//! Rows, and the bytes of their Arrow buffers.
struct dh_engine_amount {
	uint64_t rows;
	uint64_t bytes;
};

//! What one task has done.
struct dh_engine_task_report {
	//! Both counted from 0
	uint64_t stage;
	uint64_t task;
	//! From other tasks
	dh_engine_amount received;
	dh_engine_amount made;
	uint64_t elapsed_nanoseconds;
	uint64_t cpu_nanoseconds;
};

//! What was done for a distributed query.
struct dh_engine_query_report {
	//! Ducklings that its tasks were given to
	uint64_t workers;
	//! What has come back
	dh_engine_amount received;
	//! Those that have reported, by stage and number
	const dh_engine_task_report *tasks;
	size_t task_count;
};

//! The ducklings that an instance can have parts of its queries run by. Called from DuckDB's threads.
struct dh_engine_cluster {
	void *context;
	size_t (*worker_count)(void *context);
	//! Begin to collect rows of a schema, which is consumed, for tasks to read.
	dh_engine_error *(*feed_begin)(void *context, ArrowSchema *schema, void **out_feed);
	//! Add a batch, which is consumed. May be called by several threads.
	dh_engine_error *(*feed_append)(void *feed, ArrowArray *batch);
	void (*feed_free)(void *feed);
	//! Start a query, written as JSON, whose stages have these schemas; they are consumed. The feeds are complete, and are
	//! freed when the query has ended.
	dh_engine_error *(*start)(void *context, dh_engine_str query, ArrowSchema *schemas, size_t schema_count,
	                          void **feeds, size_t feed_count, dh_engine_interrupt interrupt, void **out_query);
	//! Wait for a batch of the last stage; at the end, `out->release` is null.
	dh_engine_error *(*next)(void *query, ArrowArray *out);
	//! How much of a query is done, from 0 to 1. Does not wait. May be called from any thread.
	double (*progress)(void *query);
	//! End a query and tell what was done for it, as far as the tasks say so within a moment. What `out` points to lives as
	//! long as the query.
	dh_engine_error *(*finish)(void *query, dh_engine_query_report *out);
	//! Free a query, finished or not.
	void (*end)(void *query);
};
//! Have queries of this instance run on a cluster; `cluster` must live as long as the instance.
dh_engine_error *dh_engine_database_set_cluster(dh_engine_database *database,
                                                const dh_engine_cluster *cluster) noexcept;
//! An error of the caller's, for the functions above.
dh_engine_error *dh_engine_error_create(dh_engine_str class_name, dh_engine_str message) noexcept;

dh_engine_error *dh_engine_connection_open(dh_engine_database *database, dh_engine_connection **out) noexcept;
void dh_engine_connection_free(dh_engine_connection *connection) noexcept;
//! Have results keep every DuckDB type, as protocol/cpp/travelling_types.hpp writes them.
dh_engine_error *dh_engine_connection_keep_types(dh_engine_connection *connection) noexcept;
//! Stop the running statement. May be called from any thread.
void dh_engine_connection_interrupt(dh_engine_connection *connection) noexcept;
//! Stop a SELECT that is being read, and leave its transaction as it is; whatever else runs is interrupted. May be called
//! from any thread.
void dh_engine_connection_stop(dh_engine_connection *connection) noexcept;
//! Have DuckDB keep track of how far the statements are that begin from now on, or not.
void dh_engine_connection_track_progress(dh_engine_connection *connection, bool wanted) noexcept;
//! How far the running statement is, in percent; negative if that is not known. May be called from any thread.
double dh_engine_connection_progress(const dh_engine_connection *connection) noexcept;
//! Have the open transaction, and those that begin from now on, take `start_us`, microseconds since 1970 in UTC, for the time of their beginning;
//! if it is null, those that begin from now on take the time when they do.
dh_engine_error *dh_engine_connection_set_clock(dh_engine_connection *connection, const int64_t *start_us) noexcept;
//! True between BEGIN and COMMIT or ROLLBACK.
bool dh_engine_connection_in_transaction(dh_engine_connection *connection) noexcept;
//! Version of the catalog of a database, as the open transaction sees it; 0 if the catalog has no versions.
dh_engine_error *dh_engine_connection_catalog_version(dh_engine_connection *connection, dh_engine_str database,
                                                      uint64_t *out) noexcept;

//! What other ducklings have done for the statements of a connection.
struct dh_engine_distribution {
	//! Those of the part with most tasks; null without any. Literals.
	const char *mode;
	const char *merge;
	//! Of all parts
	uint64_t stages;
	uint64_t tasks;
	//! Of the part with most of them
	uint64_t workers;
	//! Between tasks, and to the driver
	dh_engine_amount exchanged;
	//! Of all tasks
	uint64_t cpu_nanoseconds;
};

//! What the statements of a connection have cost.
struct dh_engine_usage {
	//! Of all threads together
	uint64_t cpu_nanoseconds;
	//! What the whole instance held at most in memory meanwhile
	uint64_t peak_memory_bytes;
	//! By how much its temporary files grew at most meanwhile
	uint64_t peak_temporary_bytes;
	dh_engine_distribution distribution;
};

//! The meter of a connection, which outlives it.
dh_engine_error *dh_engine_connection_meter(dh_engine_connection *connection, dh_engine_meter **out) noexcept;
void dh_engine_connection_reset_meter(dh_engine_connection *connection) noexcept;
//! May be called from any thread.
dh_engine_usage dh_engine_meter_read(const dh_engine_meter *meter) noexcept;
void dh_engine_meter_free(dh_engine_meter *meter) noexcept;

//! Mirrors duckling_protocol::EntryKind
enum dh_engine_entry_kind {
	DH_ENTRY_TABLE = 0,
	DH_ENTRY_VIEW = 1,
	DH_ENTRY_INDEX = 2,
	DH_ENTRY_SEQUENCE = 3,
	DH_ENTRY_TYPE = 4,
	DH_ENTRY_MACRO = 5,
	DH_ENTRY_TABLE_MACRO = 6
};

struct dh_engine_table_index {
	bool unique;
	bool primary;
	bool foreign;
	const uint64_t *columns;
	size_t column_count;
};

struct dh_engine_entry {
	int32_t kind;
	dh_engine_str name;
	//! A serialized CreateInfo
	dh_engine_str definition;
	uint64_t oid;
	const dh_engine_table_index *indexes;
	size_t index_count;
};

struct dh_engine_entry_state {
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

//! Receives a catalog piece by piece; everything it is given lives for the call.
struct dh_engine_catalog_visitor {
	void *context;
	void (*schema)(void *context, const dh_engine_str *path, size_t path_len, bool internal);
	//! Something in the schema that came last
	void (*entry)(void *context, const dh_engine_entry *entry);
	//! Of a table or sequence in the schema that came last
	void (*state)(void *context, const dh_engine_entry_state *state);
};

//! Visit what users have created in a database, as the open transaction sees it; with `states_only`, states alone.
dh_engine_error *dh_engine_connection_visit_catalog(dh_engine_connection *connection, dh_engine_str database,
                                                    bool states_only,
                                                    const dh_engine_catalog_visitor *visitor) noexcept;

//! Mirrors duckling_protocol::ReturnKind
enum dh_engine_return_kind { DH_RETURN_ROWS = 0, DH_RETURN_CHANGED_ROWS = 1, DH_RETURN_NOTHING = 2 };

struct dh_engine_description {
	int32_t return_kind;
	bool read_only;
	size_t column_count;
	//! DuckDB types as SQL
	char **column_types;
};
void dh_engine_description_free(dh_engine_description *description) noexcept;

//! Bind a statement without running it.
dh_engine_error *dh_engine_connection_describe(dh_engine_connection *connection, dh_engine_str sql,
                                               ArrowSchema *out_schema, dh_engine_description *out) noexcept;
//! The same for a query, but one that does not bind leaves the open transaction as it was.
dh_engine_error *dh_engine_connection_bind(dh_engine_connection *connection, dh_engine_str sql, ArrowSchema *out_schema,
                                           dh_engine_description *out) noexcept;

//! Start a statement. `input`, if not null, is consumed and becomes the rows of the one arrow_scan() in it.
dh_engine_error *dh_engine_connection_submit(dh_engine_connection *connection, dh_engine_str sql,
                                             ArrowArrayStream *input, dh_engine_stream **out) noexcept;
struct dh_engine_input {
	//! A CTE of the statement, `SELECT * FROM arrow_scan_dumb()`
	dh_engine_str name;
	//! Its rows; consumed
	ArrowArrayStream *stream;
};

//! Start `WITH …, <inputs> SELECT * FROM (<fragment>)`.
dh_engine_error *dh_engine_connection_submit_fragment(dh_engine_connection *connection, dh_engine_str sql,
                                                      const dh_engine_input *inputs, size_t input_count,
                                                      dh_engine_stream **out) noexcept;

//! Describe a statement, and start it if it is a SELECT that changes nothing; `out_stream` is null otherwise.
dh_engine_error *dh_engine_connection_describe_and_submit(dh_engine_connection *connection, dh_engine_str sql,
                                                          ArrowSchema *out_schema, dh_engine_description *out,
                                                          dh_engine_stream **out_stream) noexcept;
//! Describe a statement, and start it if it returns just these columns, of these DuckDB types; `out_stream` is null otherwise,
//! and nothing has run.
dh_engine_error *dh_engine_connection_submit_expecting(dh_engine_connection *connection, dh_engine_str sql,
                                                       const dh_engine_option *columns, size_t column_count,
                                                       ArrowSchema *out_schema, dh_engine_description *out,
                                                       dh_engine_stream **out_stream) noexcept;
dh_engine_error *dh_engine_stream_schema(dh_engine_stream *stream, ArrowSchema *out) noexcept;
//! A dh_engine_return_kind.
int32_t dh_engine_stream_return_kind(const dh_engine_stream *stream) noexcept;
//! The statement has run to its end already, and committed.
bool dh_engine_stream_has_run(const dh_engine_stream *stream) noexcept;
//! Fetch the next batch; at the end, and after it, `out->release` is null.
dh_engine_error *dh_engine_stream_next(dh_engine_stream *stream, ArrowArray *out) noexcept;
//! End the statement, finished or not.
void dh_engine_stream_free(dh_engine_stream *stream) noexcept;

//! Bind a statement that is run later, perhaps more than once. `out_parameters` gets one column per parameter, in the
//! order of their numbers.
dh_engine_error *dh_engine_prepare(dh_engine_connection *connection, dh_engine_str sql, ArrowSchema *out_schema,
                                   dh_engine_description *out_description, ArrowSchema *out_parameters,
                                   dh_engine_prepared **out) noexcept;
void dh_engine_prepared_free(dh_engine_prepared *prepared) noexcept;
//! Read the rows of `input`, which is consumed: each is one set of parameter values, by position.
dh_engine_error *dh_engine_parameters_read(dh_engine_connection *connection, ArrowArrayStream *input,
                                           dh_engine_parameters **out, size_t *out_rows) noexcept;
void dh_engine_parameters_free(dh_engine_parameters *parameters) noexcept;
//! Start the statement with one row of values; `parameters` is null if it has none.
dh_engine_error *dh_engine_prepared_submit(dh_engine_connection *connection, dh_engine_prepared *prepared,
                                           const dh_engine_parameters *parameters, size_t row,
                                           dh_engine_stream **out) noexcept;
}
