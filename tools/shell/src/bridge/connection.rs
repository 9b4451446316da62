//! A database and the shell's one connection to it, through DuckDB's C API.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::{Arc, Weak};

use libduckdb_sys as duckdb;

use crate::error::ShellError;

/// DuckDB's version, such as `v2.0.0`.
pub fn library_version() -> &'static str {
    // SAFETY: the function returns a static, NUL-terminated string.
    let version = unsafe { CStr::from_ptr(duckdb::duckdb_library_version()) };
    version.to_str().expect("DuckDB's version is ASCII")
}

struct Config(duckdb::duckdb_config);

impl Config {
    fn new(options: &[(&str, String)]) -> Result<Self, ShellError> {
        let mut config = Self(ptr::null_mut());
        // SAFETY: `config.0` is a valid out pointer; the handle is destroyed on drop.
        let state = unsafe { duckdb::duckdb_create_config(&mut config.0) };
        if state != duckdb::DuckDBSuccess {
            return Err(ShellError::Database("cannot create a DuckDB configuration".to_owned()));
        }
        for (name, value) in options {
            let (raw_name, raw_value) = (c_string(name)?, c_string(value)?);
            // SAFETY: the configuration is alive, and DuckDB copies both strings.
            let state = unsafe { duckdb::duckdb_set_config(config.0, raw_name.as_ptr(), raw_value.as_ptr()) };
            if state != duckdb::DuckDBSuccess {
                return Err(ShellError::Database(format!(
                    "DuckDB does not accept {name} = \"{value}\""
                )));
            }
        }
        Ok(config)
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: the configuration was created by `new` and is destroyed once.
        unsafe { duckdb::duckdb_destroy_config(&mut self.0) };
    }
}

struct Database(duckdb::duckdb_database);

impl Database {
    fn open(path: Option<&str>, config: &Config) -> Result<Self, ShellError> {
        let path = path.map(c_string).transpose()?;
        let mut database = Self(ptr::null_mut());
        let mut error: *mut c_char = ptr::null_mut();
        // SAFETY: both out pointers are valid, the path is NUL-terminated or null, and the configuration is alive.
        let state = unsafe {
            let path = path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
            duckdb::duckdb_open_ext(path, &mut database.0, config.0, &mut error)
        };
        if state == duckdb::DuckDBSuccess {
            return Ok(database);
        }
        if error.is_null() {
            return Err(ShellError::Database("cannot open the database".to_owned()));
        }
        // SAFETY: on failure DuckDB sets a NUL-terminated message that the caller frees.
        let message = unsafe {
            let message = CStr::from_ptr(error).to_string_lossy().into_owned();
            duckdb::duckdb_free(error.cast());
            message
        };
        Err(ShellError::Database(message))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: the handle is closed once; DuckDB accepts null.
        unsafe { duckdb::duckdb_close(&mut self.0) };
    }
}

/// The connection; it keeps its database open.
pub struct Connection {
    raw: duckdb::duckdb_connection,
    _database: Database,
}

// SAFETY: the handle may be dropped on any thread.
unsafe impl Send for Connection {}
// SAFETY: through a shared reference other threads can only interrupt, which DuckDB allows at any time; queries run
// through `Session`, which stays on its thread.
unsafe impl Sync for Connection {}

impl Connection {
    /// Open the database at `path`, in memory if `None`, with DuckDB's settings `options`, and connect.
    pub fn open(path: Option<&str>, options: &[(&str, String)]) -> Result<Arc<Self>, ShellError> {
        let database = Database::open(path, &Config::new(options)?)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the database is open and `raw` is a valid out pointer.
        let state = unsafe { duckdb::duckdb_connect(database.0, &mut raw) };
        if state != duckdb::DuckDBSuccess {
            return Err(ShellError::Database("cannot connect to the database".to_owned()));
        }
        Ok(Arc::new(Self {
            raw,
            _database: database,
        }))
    }

    pub(super) fn raw(&self) -> duckdb::duckdb_connection {
        self.raw
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the connection is open and closed once; its database is closed after it.
        unsafe { duckdb::duckdb_disconnect(&mut self.raw) };
    }
}

/// Stops the query of a connection from another thread; does nothing once the connection is closed.
#[derive(Clone, Default)]
pub struct InterruptHandle(Weak<Connection>);

impl InterruptHandle {
    pub fn of(connection: &Arc<Connection>) -> Self {
        Self(Arc::downgrade(connection))
    }

    pub fn interrupt(&self) {
        if let Some(connection) = self.0.upgrade() {
            // SAFETY: the connection is kept open for the duration of the call, which is safe from any thread.
            unsafe { duckdb::duckdb_interrupt(connection.raw) };
        }
    }
}

fn c_string(text: &str) -> Result<CString, ShellError> {
    CString::new(text).map_err(|_| ShellError::Database(format!("\"{}\" contains a NUL byte", text.escape_default())))
}
