//! Declarations of `cpp/shell_bridge.hpp`, and how its strings and errors become Rust's.

use std::ptr::NonNull;
use std::slice;

use libduckdb_sys::duckdb_connection;

use crate::error::ShellError;

/// Declare an opaque C++ type that Rust only holds by pointer.
macro_rules! opaque {
    ($($name:ident),+) => {
        $(#[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        })+
    };
}

opaque!(
    dh_error,
    dh_text,
    dh_session,
    dh_statements,
    dh_statement,
    dh_query,
    dh_chunk
);

/// A string as pointer and length; the pointer is null for SQL NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    pub data: *const u8,
    pub size: usize,
}

impl Slice {
    pub fn of(text: &str) -> Self {
        Self {
            data: text.as_ptr(),
            size: text.len(),
        }
    }

    /// View the bytes, or `None` for SQL NULL.
    ///
    /// # Safety
    /// The handle that the slice was read from must outlive `'a`.
    pub unsafe fn bytes<'a>(self) -> Option<&'a [u8]> {
        if self.data.is_null() {
            return None;
        }
        // SAFETY: the bridge hands out valid ranges, and the caller keeps their owner alive.
        Some(unsafe { slice::from_raw_parts(self.data, self.size) })
    }
}

#[repr(C)]
pub struct RawBoxConfig {
    pub max_rows: u64,
    pub max_width: u64,
    pub null_value: Slice,
    pub columns_mode: bool,
    pub large_numbers: u32,
}

unsafe extern "C" {
    fn dh_error_message(error: *const dh_error) -> Slice;
    fn dh_error_destroy(error: *mut dh_error);
    fn dh_text_slice(text: *const dh_text) -> Slice;
    fn dh_text_destroy(text: *mut dh_text);

    pub fn dh_release_codename() -> Slice;
    pub fn dh_release_commit() -> Slice;

    pub fn dh_session_create(
        connection: duckdb_connection,
        show_progress: bool,
        out: *mut *mut dh_session,
    ) -> *mut dh_error;
    pub fn dh_session_destroy(session: *mut dh_session);
    pub fn dh_session_connected_database(session: *mut dh_session, out: *mut *mut dh_text) -> *mut dh_error;
    pub fn dh_session_classify_input(session: *mut dh_session, sql: Slice, out: *mut u32) -> *mut dh_error;

    pub fn dh_statements_create(session: *mut dh_session, sql: Slice, out: *mut *mut dh_statements) -> *mut dh_error;
    pub fn dh_statements_next(statements: *mut dh_statements, out: *mut *mut dh_statement) -> *mut dh_error;
    pub fn dh_statements_destroy(statements: *mut dh_statements);
    pub fn dh_statement_destroy(statement: *mut dh_statement);

    pub fn dh_query_submit(
        session: *mut dh_session,
        statement: *mut dh_statement,
        out: *mut *mut dh_query,
    ) -> *mut dh_error;
    pub fn dh_query_destroy(query: *mut dh_query);
    pub fn dh_query_get_kind(query: *const dh_query) -> u32;
    pub fn dh_query_column_count(query: *const dh_query) -> usize;
    pub fn dh_query_column_name(query: *const dh_query, column: usize) -> Slice;
    pub fn dh_query_column_class(query: *const dh_query, column: usize) -> u32;
    pub fn dh_query_next(query: *mut dh_query, format: u32, out: *mut *mut dh_chunk) -> *mut dh_error;
    pub fn dh_query_box(query: *mut dh_query, config: RawBoxConfig, out: *mut *mut dh_text) -> *mut dh_error;

    pub fn dh_chunk_row_count(chunk: *const dh_chunk) -> usize;
    pub fn dh_chunk_value(chunk: *const dh_chunk, column: usize, row: usize) -> Slice;
    pub fn dh_chunk_destroy(chunk: *mut dh_chunk);
}

/// Turn the bridge's error handle, null if all is well, into a result.
///
/// # Safety
/// `error` must be null or an error handle that nobody else destroys.
pub unsafe fn check(error: *mut dh_error) -> Result<(), ShellError> {
    let Some(error) = NonNull::new(error) else {
        return Ok(());
    };
    // SAFETY: the handle is valid until destroyed below, and the message is copied before that.
    let message = unsafe { dh_error_message(error.as_ptr()).bytes() };
    let message = String::from_utf8_lossy(message.unwrap_or_default()).into_owned();
    // SAFETY: the caller gave the handle away.
    unsafe { dh_error_destroy(error.as_ptr()) };
    Err(ShellError::Database(message))
}

/// Copy the bridge's text, if any, and destroy its handle.
///
/// # Safety
/// `text` must be null or a text handle that nobody else destroys.
pub unsafe fn take_text(text: *mut dh_text) -> Option<String> {
    let text = NonNull::new(text)?;
    // SAFETY: the handle is valid until destroyed below, and the text is copied before that.
    let bytes = unsafe { dh_text_slice(text.as_ptr()).bytes() };
    let copy = String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    // SAFETY: the caller gave the handle away.
    unsafe { dh_text_destroy(text.as_ptr()) };
    Some(copy)
}
