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

struct dh_engine_error {
	//! Exception class as DuckDB prints it, without " Error"
	char *class_name;
	char *message;
	//! Byte offset into the statement, or -1
	int64_t position;
};
void dh_engine_error_free(dh_engine_error *error) noexcept;

struct dh_engine_database;
struct dh_engine_connection;
struct dh_engine_stream;

struct dh_engine_option {
	dh_engine_str name;
	dh_engine_str value;
};

//! Open a database; an empty path is an in-memory one.
dh_engine_error *dh_engine_database_open(dh_engine_str path, const dh_engine_option *options, size_t option_count,
                                         dh_engine_database **out) noexcept;
void dh_engine_database_free(dh_engine_database *database) noexcept;

dh_engine_error *dh_engine_connection_open(dh_engine_database *database, dh_engine_connection **out) noexcept;
void dh_engine_connection_free(dh_engine_connection *connection) noexcept;
//! Stop the running statement. May be called from any thread.
void dh_engine_connection_interrupt(dh_engine_connection *connection) noexcept;
//! Stop a SELECT that is being read, and leave its transaction as it is; whatever else runs is interrupted. May be called
//! from any thread.
void dh_engine_connection_stop(dh_engine_connection *connection) noexcept;
//! True between BEGIN and COMMIT or ROLLBACK.
bool dh_engine_connection_in_transaction(dh_engine_connection *connection) noexcept;
//! Version of the catalog of a database, as the open transaction sees it; 0 if the catalog has no versions.
dh_engine_error *dh_engine_connection_catalog_version(dh_engine_connection *connection, dh_engine_str database,
                                                      uint64_t *out) noexcept;

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

//! Start a statement. `input`, if not null, is consumed and becomes the rows of the one arrow_scan() in it.
dh_engine_error *dh_engine_connection_submit(dh_engine_connection *connection, dh_engine_str sql,
                                             ArrowArrayStream *input, dh_engine_stream **out) noexcept;
//! Describe a statement, and start it if it is a SELECT that changes nothing; `out_stream` is null otherwise.
dh_engine_error *dh_engine_connection_describe_and_submit(dh_engine_connection *connection, dh_engine_str sql,
                                                          ArrowSchema *out_schema, dh_engine_description *out,
                                                          dh_engine_stream **out_stream) noexcept;
dh_engine_error *dh_engine_stream_schema(dh_engine_stream *stream, ArrowSchema *out) noexcept;
//! Fetch the next batch; at the end, and after it, `out->release` is null.
dh_engine_error *dh_engine_stream_next(dh_engine_stream *stream, ArrowArray *out) noexcept;
//! End the statement, finished or not.
void dh_engine_stream_free(dh_engine_stream *stream) noexcept;
}
