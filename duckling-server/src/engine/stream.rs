//! The result of one statement, batch by batch.

use std::sync::Arc;

use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};

use super::connection::ReturnKind;
use super::error::EngineError;
use super::ffi;
use super::open_connections::Registration;

/// An iterator over the batches of one result. Dropping it ends the statement, finished or not.
///
/// Shape: the schema of the statement; batches of up to 122,880 rows or about 1 MiB; the statement's order.
pub struct BatchStream {
    handle: *mut ffi::DhEngineStream,
    schema: SchemaRef,
    row_type: DataType,
    /// The statement keeps the connection's context alive.
    registration: Arc<Registration>,
}

// SAFETY: the stream is driven by whoever owns it, one thread at a time, and DuckDB locks the connection under it.
unsafe impl Send for BatchStream {}

impl Drop for BatchStream {
    fn drop(&mut self) {
        // SAFETY: the handle came from C++ and is dropped once.
        unsafe { ffi::dh_engine_stream_free(self.handle) }
    }
}

impl BatchStream {
    /// # Safety
    /// `handle` is a new stream that nothing else owns.
    pub(super) unsafe fn from_raw(
        handle: *mut ffi::DhEngineStream,
        registration: Arc<Registration>,
    ) -> Result<Self, EngineError> {
        let mut stream = Self {
            handle,
            registration,
            schema: Schema::empty().into(),
            row_type: DataType::Null,
        };
        let mut schema = FFI_ArrowSchema::empty();
        // SAFETY: the handle is alive, and `schema` is valid for the call.
        unsafe { ffi::check(ffi::dh_engine_stream_schema(stream.handle, &mut schema))? };
        let schema = Schema::try_from(&schema)?;
        stream.row_type = DataType::Struct(schema.fields().clone());
        stream.schema = schema.into();
        Ok(stream)
    }

    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// What its rows mean.
    pub fn return_kind(&self) -> ReturnKind {
        // SAFETY: the handle is alive.
        ReturnKind::from_code(unsafe { ffi::dh_engine_stream_return_kind(self.handle) })
    }

    /// Whether the statement has run to its end already, and committed.
    pub fn has_run(&self) -> bool {
        // SAFETY: the handle is alive.
        unsafe { ffi::dh_engine_stream_has_run(self.handle) }
    }
}

impl Iterator for BatchStream {
    type Item = Result<RecordBatch, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: the handle is alive, and `array` is valid for the call.
        if let Err(error) = unsafe { ffi::check(ffi::dh_engine_stream_next(self.handle, &mut array)) } {
            return Some(Err(self.registration.connections.explain(error)));
        }
        if array.is_released() {
            return None;
        }
        // SAFETY: DuckDB made the array for this stream's schema, and hands it over.
        let rows = unsafe { from_ffi_and_data_type(array, self.row_type.clone()) };
        Some(
            rows.map_err(EngineError::from)
                .map(|rows| {
                    let rows = StructArray::from(rows);
                    let (_, columns, _) = rows.into_parts();
                    (columns, self.schema.clone())
                })
                .and_then(|(columns, schema)| RecordBatch::try_new(schema, columns).map_err(EngineError::from)),
        )
    }
}
