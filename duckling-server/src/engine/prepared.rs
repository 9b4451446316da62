//! A statement that is bound once and run with other values each time.

use std::ptr;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::{RecordBatch, RecordBatchReader};

use super::connection::{Connection, Description, RawDescription};
use super::error::EngineError;
use super::ffi;
use super::history::Entry;
use super::stream::BatchStream;

/// A prepared statement of one connection, which it keeps open.
pub struct Prepared {
    handle: Handle,
    /// Dropped after the statement that lives in it.
    connection: Arc<Connection>,
    pub sql: String,
    pub description: Description,
    /// One field per parameter, in the order of their numbers.
    pub parameters: SchemaRef,
}

struct Handle(*mut ffi::DhEnginePrepared);

// SAFETY: DuckDB guards the connection that the statement lives in with its own lock; any thread may call it.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle came from `dh_engine_prepare` and is dropped once.
        unsafe { ffi::dh_engine_prepared_free(self.0) }
    }
}

impl Prepared {
    /// Bind a statement. Blocks.
    ///
    /// # Errors
    /// DuckDB's parser, binder and catalog errors.
    pub(super) fn new(connection: Arc<Connection>, sql: &str) -> Result<Self, EngineError> {
        let mut parameters = FFI_ArrowSchema::empty();
        let mut raw = RawDescription::empty();
        let mut handle = ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and what they point to is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_prepare(
                connection.handle,
                sql.into(),
                &mut raw.schema,
                &mut raw.fields,
                &mut parameters,
                &mut handle,
            ))?;
        }
        let handle = Handle(handle);
        Ok(Self {
            handle,
            connection,
            sql: sql.to_string(),
            description: raw.read()?,
            parameters: Schema::try_from(&parameters)?.into(),
        })
    }

    /// Start the statement with one row of `values`; none if it has no parameters. Blocks.
    ///
    /// # Errors
    /// As [`Connection::submit`]; `Invalid Input` if the values are not as many as the parameters.
    pub(super) fn submit(&self, values: Option<&Parameters>, row: usize) -> Result<BatchStream, EngineError> {
        let values = values.map_or(ptr::null_mut(), |values| values.handle);
        let mut stream = ptr::null_mut();
        // SAFETY: the handles are alive, `row` is one of the values', and `stream` is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_prepared_submit(
                self.connection.handle,
                self.handle.0,
                values,
                row,
                &mut stream,
            ))?;
            // SAFETY: C++ returned a new stream, which nothing else owns.
            BatchStream::from_raw(stream, self.connection.registration())
        }
    }
}

/// Rows of parameter values, each for one run of a statement.
pub struct Parameters {
    handle: *mut ffi::DhEngineParameters,
    rows: usize,
}

// SAFETY: the values are written once, by `read`, and belong to no connection.
unsafe impl Send for Parameters {}
// SAFETY: as above.
unsafe impl Sync for Parameters {}

impl Drop for Parameters {
    fn drop(&mut self) {
        // SAFETY: the handle came from `dh_engine_parameters_read` and is dropped once.
        unsafe { ffi::dh_engine_parameters_free(self.handle) }
    }
}

impl Parameters {
    /// Read Arrow rows as DuckDB values, by position. Blocks.
    ///
    /// # Errors
    /// `Not implemented` for an Arrow type that DuckDB has no type for; whatever `input` fails with.
    pub(super) fn read(connection: &Connection, input: Box<dyn RecordBatchReader + Send>) -> Result<Self, EngineError> {
        let mut stream = FFI_ArrowArrayStream::new(input);
        let (mut handle, mut rows) = (ptr::null_mut(), 0);
        // SAFETY: all pointers are valid for the call; C++ empties `stream`, and the rest is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_parameters_read(
                connection.handle,
                &mut stream,
                &mut handle,
                &mut rows,
            ))?;
        }
        Ok(Self { handle, rows })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// The runs of a prepared statement, one for each row of values; one, if it has no parameters.
pub(super) struct Runs {
    prepared: Arc<Prepared>,
    values: Option<Arc<Parameters>>,
    next_row: usize,
    current: Option<BatchStream>,
}

impl Runs {
    pub(super) fn new(prepared: Arc<Prepared>, values: Option<Arc<Parameters>>) -> Self {
        Self {
            prepared,
            values,
            next_row: 0,
            current: None,
        }
    }

    /// Start the first run, to be read with those that follow. Returns the schema of all their batches.
    pub(super) fn start(&mut self, entry: &Entry) -> Result<SchemaRef, EngineError> {
        let first = self.start_next()?.ok_or_else(|| {
            EngineError::new(
                "Invalid Input",
                "The parameters of the statement were bound to no row of values",
            )
        })?;
        let is_only = self.values.as_ref().is_none_or(|values| values.rows() == 1);
        entry.start(first.return_kind(), is_only && first.has_run());
        let schema = first.schema();
        self.current = Some(first);
        Ok(schema)
    }

    /// Start the next run; `None` after the last.
    pub(super) fn start_next(&mut self) -> Result<Option<BatchStream>, EngineError> {
        let row = self.next_row;
        if row >= self.values.as_ref().map_or(1, |values| values.rows()) {
            return Ok(None);
        }
        self.next_row += 1;
        self.prepared.submit(self.values.as_deref(), row).map(Some)
    }
}

impl Iterator for Runs {
    type Item = Result<RecordBatch, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.as_mut()?.next() {
                return Some(batch);
            }
            // One stream of a connection at a time: this one ends before the next begins.
            self.current = None;
            match self.start_next() {
                Ok(next) => self.current = next,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
