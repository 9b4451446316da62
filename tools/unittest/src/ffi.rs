//! All unsafe code of the runner: owning wrappers around DuckDB's C API and the C++ in `cpp/value.cpp`, and two calls
//! into the kernel. It knows nothing of tests, and hands out owned Rust values only.

use std::ffi::{CStr, CString, c_char};
use std::process::Command;
use std::ptr;

use libduckdb_sys as duckdb;

unsafe extern "C" {
    fn dh_value_render(
        connection: duckdb::duckdb_connection,
        chunk: duckdb::duckdb_data_chunk,
        column: duckdb::idx_t,
        row: duckdb::idx_t,
        is_null: *mut bool,
        text: *mut *mut c_char,
        text_length: *mut usize,
    ) -> *mut c_char;
    fn dh_value_equal(
        connection: duckdb::duckdb_connection,
        logical_type: duckdb::duckdb_logical_type,
        left: *const c_char,
        left_length: usize,
        right: *const c_char,
        right_length: usize,
        equal: *mut bool,
    ) -> *mut c_char;
    fn dh_text_free(text: *mut c_char);
}

/// Owns a database; DuckDB closes it when the last connection is gone too.
pub struct RawDatabase(duckdb::duckdb_database);

// SAFETY: DuckDB's database object may be used from any thread, and from several at once.
unsafe impl Send for RawDatabase {}
// SAFETY: as above.
unsafe impl Sync for RawDatabase {}

impl RawDatabase {
    /// Opens the database at `path`, or an in-memory one, with the given configuration.
    ///
    /// # Errors
    /// DuckDB's message, or the name of the option that it does not take.
    pub fn open(path: Option<&CStr>, options: &[(CString, CString)]) -> Result<Self, String> {
        let config = RawConfig::new()?;
        for (name, value) in options {
            // SAFETY: the config is live, both strings end with NUL and outlive the call.
            let state = unsafe { duckdb::duckdb_set_config(config.0, name.as_ptr(), value.as_ptr()) };
            if state != duckdb::duckdb_state_DuckDBSuccess {
                return Err(format!(
                    "DuckDB refuses {}={}",
                    name.to_string_lossy(),
                    value.to_string_lossy()
                ));
            }
        }
        let mut database = ptr::null_mut();
        let mut error = ptr::null_mut();
        // SAFETY: `path` is null (in memory) or ends with NUL; the out pointers are valid; the config is only read.
        let state = unsafe {
            duckdb::duckdb_open_ext(
                path.map_or(ptr::null(), CStr::as_ptr),
                &mut database,
                config.0,
                &mut error,
            )
        };
        if state == duckdb::duckdb_state_DuckDBSuccess {
            return Ok(Self(database));
        }
        // SAFETY: DuckDB set `error` to null or to a string that it allocated and that is ours now.
        let message = unsafe { borrowed_text(error) };
        if !error.is_null() {
            // SAFETY: allocated by DuckDB, freed once.
            unsafe { duckdb::duckdb_free(error.cast()) };
        }
        Err(message)
    }

    /// Opens a connection, or `None` when DuckDB refuses.
    pub fn connect(&self) -> Option<RawConnection> {
        let mut connection = ptr::null_mut();
        // SAFETY: the database is live, the out pointer valid.
        let state = unsafe { duckdb::duckdb_connect(self.0, &mut connection) };
        (state == duckdb::duckdb_state_DuckDBSuccess).then_some(RawConnection(connection))
    }
}

impl Drop for RawDatabase {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once.
        unsafe { duckdb::duckdb_close(&mut self.0) }
    }
}

struct RawConfig(duckdb::duckdb_config);

impl RawConfig {
    fn new() -> Result<Self, String> {
        let mut config = ptr::null_mut();
        // SAFETY: the out pointer is valid.
        let state = unsafe { duckdb::duckdb_create_config(&mut config) };
        if state == duckdb::duckdb_state_DuckDBSuccess {
            Ok(Self(config))
        } else {
            Err("DuckDB cannot allocate a configuration".to_owned())
        }
    }
}

impl Drop for RawConfig {
    fn drop(&mut self) {
        // SAFETY: created by `new`, destroyed once; an opened database keeps its own copy.
        unsafe { duckdb::duckdb_destroy_config(&mut self.0) }
    }
}

/// Owns a connection.
pub struct RawConnection(duckdb::duckdb_connection);

// SAFETY: a DuckDB connection locks itself for every query.
unsafe impl Send for RawConnection {}
// SAFETY: as above; `duckdb_interrupt` is made to be called while another thread is inside a query.
unsafe impl Sync for RawConnection {}

impl RawConnection {
    /// Runs all statements of `sql` and returns the result of the last one.
    ///
    /// # Errors
    /// DuckDB's message.
    pub fn query(&self, sql: &CStr) -> Result<RawResult, String> {
        // SAFETY: the struct holds integers and pointers only, for which zero is valid and means "empty".
        let mut result = RawResult(unsafe { std::mem::zeroed() });
        // SAFETY: the connection is live, `sql` ends with NUL, `result` is ours.
        let state = unsafe { duckdb::duckdb_query(self.0, sql.as_ptr(), &mut result.0) };
        if state == duckdb::duckdb_state_DuckDBSuccess {
            Ok(result)
        } else {
            Err(result.error())
        }
    }

    /// Asks the running query, if any, to stop.
    pub fn interrupt(&self) {
        // SAFETY: the connection is live.
        unsafe { duckdb::duckdb_interrupt(self.0) }
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        // SAFETY: opened by `connect`, closed once.
        unsafe { duckdb::duckdb_disconnect(&mut self.0) }
    }
}

/// Owns a materialized result.
pub struct RawResult(duckdb::duckdb_result);

impl RawResult {
    pub fn column_count(&mut self) -> u64 {
        // SAFETY: the result is live.
        unsafe { duckdb::duckdb_column_count(&mut self.0) }
    }

    pub fn column_name(&mut self, column: u64) -> String {
        // SAFETY: the result is live and owns the returned string.
        unsafe { borrowed_text(duckdb::duckdb_column_name(&mut self.0, column)) }
    }

    pub fn column_type(&mut self, column: u64) -> RawType {
        // SAFETY: the result is live; the returned type is ours.
        RawType(unsafe { duckdb::duckdb_column_logical_type(&mut self.0, column) })
    }

    /// Takes the next chunk of rows; `None` at the end.
    ///
    /// # Errors
    /// DuckDB's message.
    pub fn next_chunk(&mut self) -> Result<Option<RawChunk>, String> {
        // SAFETY: the result is live; the struct is passed by value, its contents stay ours.
        let chunk = unsafe { duckdb::duckdb_fetch_chunk(self.0) };
        if !chunk.is_null() {
            return Ok(Some(RawChunk(chunk)));
        }
        // SAFETY: the result is live.
        if unsafe { duckdb::duckdb_result_error(&mut self.0) }.is_null() {
            Ok(None)
        } else {
            Err(self.error())
        }
    }

    fn error(&mut self) -> String {
        // SAFETY: the result is live, or zeroed when DuckDB failed before filling it; both are accepted.
        unsafe { borrowed_text(duckdb::duckdb_result_error(&mut self.0)) }
    }
}

impl Drop for RawResult {
    fn drop(&mut self) {
        // SAFETY: filled by `duckdb_query` or zeroed; destroyed once.
        unsafe { duckdb::duckdb_destroy_result(&mut self.0) }
    }
}

/// Owns one chunk of rows.
pub struct RawChunk(duckdb::duckdb_data_chunk);

impl RawChunk {
    pub fn row_count(&self) -> u64 {
        // SAFETY: the chunk is live.
        unsafe { duckdb::duckdb_data_chunk_get_size(self.0) }
    }

    /// Casts one value to text as DuckDB does on this connection; `None` for NULL.
    ///
    /// # Errors
    /// DuckDB's message, when the type has no cast to VARCHAR.
    pub fn render(&self, connection: &RawConnection, column: u64, row: u64) -> Result<Option<String>, String> {
        let mut is_null = false;
        let mut text = ptr::null_mut();
        let mut length = 0;
        // SAFETY: the handles are live, the position is inside the chunk, the out pointers are valid.
        let error = unsafe { dh_value_render(connection.0, self.0, column, row, &mut is_null, &mut text, &mut length) };
        check(error)?;
        if is_null {
            return Ok(None);
        }
        // SAFETY: on success the callee allocated `length` bytes, which nobody else holds.
        let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) };
        let rendered = String::from_utf8_lossy(bytes).into_owned();
        // SAFETY: allocated by the callee, freed once, after the copy.
        unsafe { dh_text_free(text) };
        Ok(Some(rendered))
    }
}

impl Drop for RawChunk {
    fn drop(&mut self) {
        // SAFETY: fetched from a result, destroyed once.
        unsafe { duckdb::duckdb_destroy_data_chunk(&mut self.0) }
    }
}

/// Owns a logical type.
pub struct RawType(duckdb::duckdb_logical_type);

impl RawType {
    /// Tells DuckDB's type id, one of the `DUCKDB_TYPE_…` constants.
    pub fn id(&self) -> duckdb::duckdb_type {
        // SAFETY: the type is live.
        unsafe { duckdb::duckdb_get_type_id(self.0) }
    }

    /// Casts both texts to this type and compares them with DuckDB's tolerance; false when either cast fails.
    ///
    /// # Errors
    /// DuckDB's message.
    pub fn equal(&self, connection: &RawConnection, left: &str, right: &str) -> Result<bool, String> {
        let mut equal = false;
        // SAFETY: the handles are live; pointers and lengths describe the two strings; the out pointer is valid.
        let error = unsafe {
            dh_value_equal(
                connection.0,
                self.0,
                left.as_ptr().cast(),
                left.len(),
                right.as_ptr().cast(),
                right.len(),
                &mut equal,
            )
        };
        check(error)?;
        Ok(equal)
    }
}

impl Drop for RawType {
    fn drop(&mut self) {
        // SAFETY: obtained from a result, destroyed once.
        unsafe { duckdb::duckdb_destroy_logical_type(&mut self.0) }
    }
}

/// Tells how many rows a full chunk of this DuckDB holds.
pub fn vector_size() -> u64 {
    // SAFETY: no arguments, returns a constant.
    unsafe { duckdb::duckdb_vector_size() }
}

/// Lets the kernel kill the process that `command` starts when the thread that started it ends.
pub fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        // SAFETY: the closure runs between fork and exec and makes one async-signal-safe system call.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Ends the process at once, without the exit handlers that a thread stuck inside DuckDB would block.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: always allowed; nothing runs afterwards.
    unsafe { libc::_exit(code) }
}

fn check(error: *mut c_char) -> Result<(), String> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the C++ side returned an allocated string that ends with NUL.
    let message = unsafe { borrowed_text(error) };
    // SAFETY: allocated by the C++ side, freed once, after the copy.
    unsafe { dh_text_free(error) };
    Err(message)
}

/// Copies a C string that somebody else owns.
///
/// # Safety
/// `text` is null or ends with NUL and stays valid during the call.
unsafe fn borrowed_text(text: *const c_char) -> String {
    if text.is_null() {
        return "DuckDB gave no error message".to_owned();
    }
    // SAFETY: promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
