//! The shape of a query, for listings that must leave the session as it was.

use super::connection::{Connection, Description, RawDescription};
use super::error::EngineError;
use super::ffi;

impl Connection {
    /// Bind one query without running it. One that does not bind leaves the open transaction as it was;
    /// [`Connection::describe`] aborts it, as DuckDB does after any statement that fails.
    ///
    /// # Errors
    /// DuckDB's parser, binder and catalog errors.
    pub fn bind(&self, sql: &str) -> Result<Description, EngineError> {
        let mut raw = RawDescription::empty();
        // SAFETY: all pointers are valid for the call.
        unsafe {
            ffi::check(ffi::dh_engine_connection_bind(
                self.handle,
                sql.into(),
                &mut raw.schema,
                &mut raw.fields,
            ))?;
        }
        raw.read()
    }
}
