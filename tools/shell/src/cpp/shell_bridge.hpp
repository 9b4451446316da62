//! The C face of the shell's bridge: what the shell needs of DuckDB and its C API does not offer.
//! Rust owns every handle it is given and returns it to the matching destroy function; strings go as pointer and length
//! and live as long as the handle they were read from. Every function that can fail returns an error handle, null if
//! all is well. No logic here beyond forwarding.
#pragma once

#include "duckdb.h"

#include <cstddef>
#include <cstdint>

extern "C" {

struct dh_error;
struct dh_text;
struct dh_session;
struct dh_statements;
struct dh_statement;
struct dh_query;
struct dh_chunk;

struct dh_slice {
	const char *data;
	size_t size;
};

//! One value as text; data is null for SQL NULL.
struct dh_value {
	const char *data;
	size_t size;
};

//! How far a piece of input is from being a statement.
enum dh_input_state : uint32_t { DH_INPUT_EMPTY = 0, DH_INPUT_INCOMPLETE = 1, DH_INPUT_COMPLETE = 2 };

//! What a statement's result is for.
enum dh_query_kind : uint32_t { DH_QUERY_ROWS = 0, DH_QUERY_PLAN = 1, DH_QUERY_CHANGES = 2, DH_QUERY_NOTHING = 3 };

//! What the renderers must know of a column's type.
enum dh_column_class : uint32_t { DH_COLUMN_OTHER = 0, DH_COLUMN_NUMERIC = 1, DH_COLUMN_BOOLEAN = 2, DH_COLUMN_JSON = 3 };

//! Whether nested values are cast to VARCHAR or to JSON.
enum dh_chunk_format : uint32_t { DH_CHUNK_TEXT = 0, DH_CHUNK_JSON = 1 };

//! The part of duckdb::BoxRendererConfig that the shell sets. Zero width means the terminal's.
struct dh_box_config {
	uint64_t max_rows;
	uint64_t max_width;
	dh_slice null_value;
	bool columns_mode;
	uint32_t large_numbers;
};

dh_slice dh_error_message(const dh_error *error) noexcept;
void dh_error_destroy(dh_error *error) noexcept;
dh_slice dh_text_slice(const dh_text *text) noexcept;
void dh_text_destroy(dh_text *text) noexcept;

//! The release's code name and commit; both are static strings.
dh_slice dh_release_codename() noexcept;
dh_slice dh_release_commit() noexcept;

dh_error *dh_session_create(duckdb_connection connection, bool show_progress, dh_session **out) noexcept;
void dh_session_destroy(dh_session *session) noexcept;
//! The database the session is CONNECTed to, or null if it is not.
dh_error *dh_session_connected_database(dh_session *session, dh_text **out) noexcept;
dh_error *dh_session_classify_input(dh_session *session, dh_slice sql, dh_input_state *out) noexcept;

//! The iterator parses lazily: a statement may change how the next one is read (CONNECT, SET).
dh_error *dh_statements_create(dh_session *session, dh_slice sql, dh_statements **out) noexcept;
dh_error *dh_statements_next(dh_statements *statements, dh_statement **out) noexcept;
void dh_statements_destroy(dh_statements *statements) noexcept;
void dh_statement_destroy(dh_statement *statement) noexcept;

//! Consumes the statement, also when it fails.
dh_error *dh_query_submit(dh_session *session, dh_statement *statement, dh_query **out) noexcept;
void dh_query_destroy(dh_query *query) noexcept;
dh_query_kind dh_query_get_kind(const dh_query *query) noexcept;
size_t dh_query_column_count(const dh_query *query) noexcept;
dh_slice dh_query_column_name(const dh_query *query, size_t column) noexcept;
dh_column_class dh_query_column_class(const dh_query *query, size_t column) noexcept;
//! The next rows, or null at the end of the result.
dh_error *dh_query_next(dh_query *query, dh_chunk_format format, dh_chunk **out) noexcept;
//! Reads the whole result and draws it with DuckDB's own box renderer.
dh_error *dh_query_box(dh_query *query, dh_box_config config, dh_text **out) noexcept;

size_t dh_chunk_row_count(const dh_chunk *chunk) noexcept;
dh_value dh_chunk_value(const dh_chunk *chunk, size_t column, size_t row) noexcept;
void dh_chunk_destroy(dh_chunk *chunk) noexcept;
}
