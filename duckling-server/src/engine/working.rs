//! Whether DuckDB works for a session now, or waits for its client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

/// Set while it lives.
pub(super) struct Flag(Arc<AtomicBool>);

impl Flag {
    pub(super) fn raise(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(flag.clone())
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Counts as work while it lives.
pub(super) struct Working(Arc<AtomicUsize>);

impl Working {
    pub(super) fn begin(working: &Arc<AtomicUsize>) -> Self {
        working.fetch_add(1, Ordering::Relaxed);
        Self(working.clone())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Batches that come from a client: while it is waited for, DuckDB works on nothing.
pub(super) struct AwaitedBatches {
    pub inner: Box<dyn RecordBatchReader + Send>,
    pub working: Arc<AtomicUsize>,
}

impl Iterator for AwaitedBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.working.fetch_sub(1, Ordering::Relaxed);
        let batch = self.inner.next();
        self.working.fetch_add(1, Ordering::Relaxed);
        batch
    }
}

impl RecordBatchReader for AwaitedBatches {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }
}
