//! Running a fragment of a distributed query: a SELECT over rows that other fragments have made.

use std::ptr;

use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::RecordBatchReader;

use super::connection::Connection;
use super::error::EngineError;
use super::stream::BatchStream;
use super::{ffi, quote_identifier};

/// Rows that a fragment reads by name, as if they were a table.
pub struct FragmentInput {
    pub name: String,
    pub rows: Box<dyn RecordBatchReader + Send>,
}

impl Connection {
    /// Start a fragment: the SELECT `sql` over `inputs`, and over `scans`, which are named SELECTs; or COPY of its rows `target`.
    ///
    /// # Errors
    /// DuckDB's own.
    pub fn submit_fragment(
        &self,
        sql: &str,
        target: Option<&str>,
        scans: &[(String, String)],
        inputs: Vec<FragmentInput>,
    ) -> Result<BatchStream, EngineError> {
        let sql = statement(sql, target, scans, &inputs);
        let (names, mut streams): (Vec<_>, Vec<_>) = inputs
            .into_iter()
            .map(|input| (input.name, FFI_ArrowArrayStream::new(input.rows)))
            .unzip();
        let inputs: Vec<_> = names
            .iter()
            .zip(&mut streams)
            .map(|(name, stream)| ffi::DhEngineInput {
                name: name.as_str().into(),
                stream,
            })
            .collect();
        let mut stream = ptr::null_mut();
        // SAFETY: names and streams live for the call, in which C++ empties the streams that it takes; `stream` is read
        // only on success.
        unsafe {
            ffi::check(ffi::dh_engine_connection_submit_fragment(
                self.handle,
                sql.as_str().into(),
                inputs.as_ptr(),
                inputs.len(),
                &mut stream,
            ))
        }
        .map_err(|error| self.registration.connections.explain(error))?;
        // SAFETY: C++ returned a new stream, which nothing else owns.
        unsafe { BatchStream::from_raw(stream, self.registration.clone()) }
    }
}

/// The statement of a fragment, as `fragment.cpp` expects it.
///
/// `arrow_scan_dumb` leaves filters and projections to DuckDB; `arrow_scan` would leave them to the stream.
fn statement(sql: &str, target: Option<&str>, scans: &[(String, String)], inputs: &[FragmentInput]) -> String {
    let scans = scans
        .iter()
        .map(|(name, sql)| format!("{} AS NOT MATERIALIZED (\n{sql}\n)", quote_identifier(name)));
    let inputs = inputs
        .iter()
        .map(|input| format!("{} AS (SELECT * FROM arrow_scan_dumb())", quote_identifier(&input.name)));
    let tables: Vec<_> = scans.chain(inputs).collect();
    let with = if tables.is_empty() { "" } else { "WITH " };
    // Lines of their own: a statement may end in a comment.
    let select = format!("{with}{} SELECT * FROM (\n{sql}\n)", tables.join(", "));
    match target {
        None => select,
        Some(target) => format!("COPY (\n{select}\n) {target}"),
    }
}
