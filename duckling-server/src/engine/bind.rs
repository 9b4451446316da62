//! The shape of a query, for listings that must leave the session as it was.

use arrow::ffi::FFI_ArrowSchema;

use super::connection::{Connection, Description};
use super::error::EngineError;
use super::ffi;

impl Connection {
    /// Bind one query without running it. One that does not bind leaves the open transaction as it was;
    /// [`Connection::describe`] aborts it, as DuckDB does after any statement that fails.
    ///
    /// # Errors
    /// DuckDB's parser, binder and catalog errors.
    pub fn bind(&self, sql: &str) -> Result<Description, EngineError> {
        let mut schema = FFI_ArrowSchema::empty();
        let mut raw = ffi::DhEngineDescription::EMPTY;
        // SAFETY: all pointers are valid for the call; C++ leaves `raw` untouched on error.
        unsafe {
            ffi::check(ffi::dh_engine_connection_bind(
                self.handle,
                sql.into(),
                &mut schema,
                &mut raw,
            ))?;
            Description::from_raw(&schema, raw)
        }
    }
}
