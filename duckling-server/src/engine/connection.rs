//! One DuckDB connection.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::{RecordBatch, RecordBatchReader};

use super::error::EngineError;
use super::ffi;
use super::meter::Meter;
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

impl ReturnKind {
    /// Read what C++ says.
    pub(super) fn from_code(code: i32) -> Self {
        match code {
            1 => Self::ChangedRows,
            2 => Self::Nothing,
            _ => Self::Rows,
        }
    }
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

/// A column that a statement is expected to return.
#[derive(Clone, Debug)]
pub struct ExpectedColumn {
    pub name: String,
    /// DuckDB type as SQL.
    pub column_type: String,
}

/// A DuckDB connection. Its calls block, and it runs one statement at a time; only [`Connection::interrupt`]
/// makes sense while one runs.
pub struct Connection {
    pub(super) handle: *mut ffi::DhEngineConnection,
    pub(super) registration: Arc<Registration>,
    meter: Arc<Meter>,
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
        let mut meter = ptr::null_mut();
        // SAFETY: the connection is alive, and `meter` is read only on success: then nothing else owns it.
        let meter = unsafe {
            ffi::check(ffi::dh_engine_connection_meter(handle, &mut meter))?;
            Meter::from_raw(meter)
        };
        registration.publish(handle);
        Ok(Self {
            handle,
            registration: Arc::new(registration),
            meter: Arc::new(meter),
        })
    }

    pub(super) fn registration(&self) -> Arc<Registration> {
        self.registration.clone()
    }

    /// Have results keep every DuckDB type, through Arrow extension types that only a client of ours understands, and errors
    /// their details.
    ///
    /// # Errors
    /// None but DuckDB's own.
    pub fn keep_types(&self) -> Result<(), EngineError> {
        self.query("SET arrow_lossless_conversion = true")?;
        // Else DuckDB writes the position into the message, and forgets it
        self.query("SET errors_as_json = true")?;
        // SAFETY: the handle lives as long as `self`.
        unsafe { ffi::check(ffi::dh_engine_connection_keep_types(self.handle)) }
    }

    /// Have a database list the files of its distributed tables.
    ///
    /// # Errors
    /// DuckDB's own.
    pub fn create_file_list(&self, database: &str) -> Result<(), EngineError> {
        // SAFETY: the handle lives as long as `self`, the name for the call.
        unsafe { ffi::check(ffi::dh_engine_connection_create_file_list(self.handle, database.into())) }
    }

    /// Stop the running statement, if any, with DuckDB's Interrupt error. Callable from any thread.
    pub fn interrupt(&self) {
        // SAFETY: the handle lives as long as `self`.
        unsafe { ffi::dh_engine_connection_interrupt(self.handle) }
    }

    /// Stop the SELECT that is being read, and leave its transaction as it is; whatever else runs ends with DuckDB's
    /// Interrupt error. Callable from any thread.
    pub fn stop(&self) {
        // SAFETY: the handle lives as long as `self`.
        unsafe { ffi::dh_engine_connection_stop(self.handle) }
    }

    /// What the statements that were bound since the last call have to tell their user, beside their results.
    ///
    /// # Errors
    /// DuckDB has no memory.
    pub(super) fn take_notices(&self) -> Result<Vec<String>, EngineError> {
        let mut notices = Vec::new();
        // SAFETY: the handle lives as long as `self`, `notices` for the call, which passes it to `add_notice`.
        unsafe {
            ffi::check(ffi::dh_engine_connection_take_notices(
                self.handle,
                ptr::from_mut(&mut notices).cast(),
                add_notice,
            ))?;
        }
        Ok(notices)
    }

    /// Measure what runs from now on.
    pub(super) fn start_meter(&self) -> Arc<Meter> {
        // SAFETY: the handle lives as long as `self`.
        unsafe { ffi::dh_engine_connection_reset_meter(self.handle) };
        self.meter.clone()
    }

    /// CPU time of all that has run on it so far, or since a meter was started.
    pub fn cpu_time(&self) -> Duration {
        Duration::from_nanos(self.meter.read().cpu_nanoseconds)
    }

    /// Have the open transaction, and those that begin from now on, take that time, in microseconds since 1970, UTC, for
    /// their beginning; `None`: those that begin from now on have their own.
    ///
    /// # Errors
    /// DuckDB has no memory.
    pub fn set_clock(&self, started_us: Option<i64>) -> Result<(), EngineError> {
        let start = started_us.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the handle lives as long as `self`; `start` is null or lives for the call.
        unsafe { ffi::check(ffi::dh_engine_connection_set_clock(self.handle, start)) }
    }

    /// Have DuckDB keep track of how far the statements are that begin from now on, or not.
    pub(super) fn track_progress(&self, wanted: bool) {
        // SAFETY: the handle lives as long as `self`.
        unsafe { ffi::dh_engine_connection_track_progress(self.handle, wanted) }
    }

    /// How far the running statement is, in percent, if DuckDB can tell. Does not block.
    pub fn progress(&self) -> Option<f64> {
        // SAFETY: the handle lives as long as `self`; DuckDB keeps what is read in atomic numbers.
        let percent = unsafe { ffi::dh_engine_connection_progress(self.handle) };
        (percent >= 0.0).then_some(percent)
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
        let mut raw = RawDescription::empty();
        // SAFETY: all pointers are valid for the call.
        unsafe {
            ffi::check(ffi::dh_engine_connection_describe(
                self.handle,
                sql.into(),
                &mut raw.schema,
                &mut raw.fields,
            ))?;
        }
        raw.read()
    }

    /// Bind one statement, and start it if it is a SELECT that changes nothing.
    ///
    /// # Errors
    /// As [`Connection::submit`].
    pub fn describe_and_submit(&self, sql: &str) -> Result<(Description, Option<BatchStream>), EngineError> {
        let mut raw = RawDescription::empty();
        let mut stream = ptr::null_mut();
        // SAFETY: all pointers are valid for the call; `stream` is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_connection_describe_and_submit(
                self.handle,
                sql.into(),
                &mut raw.schema,
                &mut raw.fields,
                &mut stream,
            ))?;
        }
        Ok((raw.read()?, self.stream_if_any(stream)?))
    }

    /// Bind one statement, and start it if it returns these columns.
    ///
    /// # Errors
    /// As [`Connection::submit`].
    pub fn submit_expecting(
        &self,
        sql: &str,
        columns: &[ExpectedColumn],
    ) -> Result<(Description, Option<BatchStream>), EngineError> {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| ffi::DhEngineOption {
                name: column.name.as_str().into(),
                value: column.column_type.as_str().into(),
            })
            .collect();
        let mut raw = RawDescription::empty();
        let mut stream = ptr::null_mut();
        // SAFETY: all pointers are valid for the call; `stream` is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_connection_submit_expecting(
                self.handle,
                sql.into(),
                columns.as_ptr(),
                columns.len(),
                &mut raw.schema,
                &mut raw.fields,
                &mut stream,
            ))
        }
        .map_err(|error| self.registration.connections.explain(error))?;
        Ok((raw.read()?, self.stream_if_any(stream)?))
    }

    fn stream_if_any(&self, stream: *mut ffi::DhEngineStream) -> Result<Option<BatchStream>, EngineError> {
        if stream.is_null() {
            return Ok(None);
        }
        // SAFETY: C++ returned a new stream, which nothing else owns.
        unsafe { BatchStream::from_raw(stream, self.registration.clone()) }.map(Some)
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

/// Run `work` in a transaction of its own if it is `wanted` and none is open: all of it happens, or nothing.
pub(super) fn in_transaction<T>(
    connection: &Connection,
    wanted: bool,
    work: impl FnOnce(&Connection) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    if !wanted || connection.in_transaction() {
        return work(connection);
    }
    connection.query("BEGIN TRANSACTION")?;
    let outcome = work(connection);
    match &outcome {
        Ok(_) => connection.query("COMMIT").map(drop)?,
        // The reason of the failure is what the client must hear, whatever becomes of the rollback.
        Err(_) => drop(connection.query("ROLLBACK")),
    }
    outcome
}

/// What C++ fills to describe a statement; frees it.
pub(super) struct RawDescription {
    pub schema: FFI_ArrowSchema,
    pub fields: ffi::DhEngineDescription,
}

impl RawDescription {
    pub fn empty() -> Self {
        Self {
            schema: FFI_ArrowSchema::empty(),
            fields: ffi::DhEngineDescription::EMPTY,
        }
    }

    pub fn read(&self) -> Result<Description, EngineError> {
        let column_types = (0..self.fields.column_count)
            // SAFETY: C++ filled `column_count` strings, which live as long as `self`.
            .map(|index| unsafe { ffi::copy_string(*self.fields.column_types.add(index)) })
            .collect();
        Ok(Description {
            schema: Schema::try_from(&self.schema)?.into(),
            column_types,
            return_kind: ReturnKind::from_code(self.fields.return_kind),
            read_only: self.fields.read_only,
        })
    }
}

impl Drop for RawDescription {
    fn drop(&mut self) {
        // SAFETY: the fields are empty or were filled by C++, also when the call failed later; freed once.
        unsafe { ffi::dh_engine_description_free(&mut self.fields) }
    }
}

extern "C" fn add_notice(notices: *mut c_void, text: ffi::DhEngineStr) {
    // SAFETY: C++ passes back what `take_notices` has given it, and a text that lives for the call.
    let (notices, text) = unsafe { (&mut *notices.cast::<Vec<String>>(), text.as_bytes()) };
    notices.push(String::from_utf8_lossy(text).into_owned());
}
