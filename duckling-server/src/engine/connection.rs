//! One DuckDB connection.

use std::ptr;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::{RecordBatch, RecordBatchReader};

use super::error::EngineError;
use super::ffi;
use super::open_connections::Registration;
use super::stream::BatchStream;

/// What running a statement means to a client. Source: `StatementReturnType` of DuckDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnKind {
    /// Rows for the user.
    Rows,
    /// One BIGINT: how many rows changed.
    ChangedRows,
    /// Nothing to show.
    Nothing,
}

/// The shape of a statement's result.
#[derive(Clone, Debug)]
pub struct Description {
    pub schema: SchemaRef,
    /// DuckDB type of each column as SQL; empty where DuckDB learns the shape only by running the statement.
    pub column_types: Vec<String>,
    pub return_kind: ReturnKind,
    /// The statement is a SELECT that modifies no database.
    pub read_only: bool,
}

impl Description {
    /// # Safety
    /// C++ has filled `raw`, and nothing else reads or frees it.
    pub(super) unsafe fn from_raw(
        schema: &FFI_ArrowSchema,
        mut raw: ffi::DhEngineDescription,
    ) -> Result<Self, EngineError> {
        let column_types = (0..raw.column_count)
            // SAFETY: C++ filled `column_count` strings, which live until the description is freed below.
            .map(|index| unsafe { ffi::copy_string(*raw.column_types.add(index)) })
            .collect();
        // SAFETY: `raw` was filled by C++ and is not read again but for its plain fields.
        unsafe { ffi::dh_engine_description_free(&mut raw) };
        Ok(Self {
            schema: Schema::try_from(schema)?.into(),
            column_types,
            return_kind: match raw.return_kind {
                1 => ReturnKind::ChangedRows,
                2 => ReturnKind::Nothing,
                _ => ReturnKind::Rows,
            },
            read_only: raw.read_only,
        })
    }
}

/// A DuckDB connection. Its calls block, and it runs one statement at a time; only [`Connection::interrupt`]
/// makes sense while one runs.
pub struct Connection {
    pub(super) handle: *mut ffi::DhEngineConnection,
    registration: Arc<Registration>,
}

// SAFETY: DuckDB guards a connection with its own lock; any thread may call it.
unsafe impl Send for Connection {}
// SAFETY: as above.
unsafe impl Sync for Connection {}

impl Drop for Connection {
    fn drop(&mut self) {
        self.registration.retire();
        // SAFETY: the handle came from `dh_engine_connection_open` and is dropped once.
        unsafe { ffi::dh_engine_connection_free(self.handle) }
    }
}

impl Connection {
    pub(super) fn open(database: *mut ffi::DhEngineDatabase, registration: Registration) -> Result<Self, EngineError> {
        let mut handle = ptr::null_mut();
        // SAFETY: `database` is alive, and `handle` is read only on success.
        unsafe { ffi::check(ffi::dh_engine_connection_open(database, &mut handle))? };
        registration.publish(handle);
        Ok(Self {
            handle,
            registration: Arc::new(registration),
        })
    }

    pub(super) fn registration(&self) -> Arc<Registration> {
        self.registration.clone()
    }

    /// Stop the running statement, if any, with DuckDB's Interrupt error. Callable from any thread.
    pub fn interrupt(&self) {
        // SAFETY: the handle lives as long as `self`.
        unsafe { ffi::dh_engine_connection_interrupt(self.handle) }
    }

    /// True between BEGIN and COMMIT or ROLLBACK.
    pub fn in_transaction(&self) -> bool {
        // SAFETY: the handle lives as long as `self`.
        unsafe { ffi::dh_engine_connection_in_transaction(self.handle) }
    }

    /// Version of a database's catalog as the open transaction sees it.
    ///
    /// # Errors
    /// `Binder` if there is no such database.
    pub fn catalog_version(&self, database: &str) -> Result<u64, EngineError> {
        let mut version = 0;
        // SAFETY: all pointers are valid for the call.
        unsafe {
            ffi::check(ffi::dh_engine_connection_catalog_version(
                self.handle,
                database.into(),
                &mut version,
            ))?;
        }
        Ok(version)
    }

    /// Bind one statement without running it.
    ///
    /// # Errors
    /// DuckDB's parser, binder and catalog errors.
    pub fn describe(&self, sql: &str) -> Result<Description, EngineError> {
        let mut schema = FFI_ArrowSchema::empty();
        let mut raw = ffi::DhEngineDescription::EMPTY;
        // SAFETY: all pointers are valid for the call; C++ leaves `raw` untouched on error.
        unsafe {
            ffi::check(ffi::dh_engine_connection_describe(
                self.handle,
                sql.into(),
                &mut schema,
                &mut raw,
            ))?;
            Description::from_raw(&schema, raw)
        }
    }

    /// Start one statement. A SELECT runs as its stream is read; anything else has run, and committed, on return.
    ///
    /// # Errors
    /// DuckDB's own; `Resource In Use` while another stream of this connection is open.
    pub fn submit(&self, sql: &str) -> Result<BatchStream, EngineError> {
        self.submit_raw(sql, ptr::null_mut())
    }

    /// Run an INSERT or CREATE TABLE AS whose source is `SELECT … FROM arrow_scan()`, which yields the batches of `input`.
    ///
    /// # Errors
    /// As [`Connection::submit`], and whatever `input` fails with.
    pub fn insert_from(&self, sql: &str, input: Box<dyn RecordBatchReader + Send>) -> Result<BatchStream, EngineError> {
        let mut stream = FFI_ArrowArrayStream::new(input);
        self.submit_raw(sql, &mut stream)
    }

    /// Run one statement to its end and collect its rows; for statements of our own, whose results are small.
    ///
    /// # Errors
    /// As [`Connection::submit`].
    pub fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
        self.submit(sql)?.collect()
    }

    fn submit_raw(&self, sql: &str, input: *mut FFI_ArrowArrayStream) -> Result<BatchStream, EngineError> {
        let mut stream = ptr::null_mut();
        // SAFETY: `input` is null or a valid stream that C++ empties; `stream` is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_connection_submit(
                self.handle,
                sql.into(),
                input,
                &mut stream,
            ))
        }
        .map_err(|error| self.registration.connections.explain(error))?;
        // SAFETY: C++ returned a new stream, which nothing else owns.
        unsafe { BatchStream::from_raw(stream, self.registration.clone()) }
    }
}
