//! Queries that DuckDB has cut into stages, and whoever runs them.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;
use std::sync::Arc;

use arrow::array::{Array, StructArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::record_batch::RecordBatch;

use super::error::EngineError;
use super::feed::Feed;
use super::ffi::{self, DhEngineCluster, DhEngineError, DhEngineInterrupt, DhEngineStr};

/// The batches of a query that others run; dropping it ends the query.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, EngineError>> + Send>;

/// Runs queries on several ducklings. Called from DuckDB's threads, which may block.
pub trait QueryRunner: Send + Sync {
    /// How many ducklings there are to run tasks; with none, nothing is distributed.
    fn worker_count(&self) -> usize;

    /// Where to collect rows that tasks are to read.
    fn feed(&self, schema: SchemaRef) -> Feed;

    /// Start a query: its stages as JSON, the schema of each, and what this duckling feeds to its tasks.
    ///
    /// # Errors
    /// If it cannot be started.
    fn start(
        &self,
        query: &str,
        schemas: Vec<SchemaRef>,
        feeds: Vec<Arc<Feed>>,
        interrupt: Interrupt,
    ) -> Result<Batches, EngineError>;
}

/// Tells whether the statement that a query is part of was interrupted.
#[derive(Clone, Copy)]
pub struct Interrupt(DhEngineInterrupt);

// SAFETY: C++ lets any thread ask, as long as the query lives.
unsafe impl Send for Interrupt {}
// SAFETY: as above.
unsafe impl Sync for Interrupt {}

impl Interrupt {
    /// May only be asked while the query lives.
    pub fn is_interrupted(&self) -> bool {
        (self.0.is_interrupted)(self.0.context)
    }
}

/// What C++ is given to call a [`QueryRunner`].
pub(super) struct Runner(pub Arc<dyn QueryRunner>);

impl Runner {
    /// Callbacks whose context is `self`, which must outlive them.
    pub fn callbacks(&self) -> DhEngineCluster {
        DhEngineCluster {
            context: ptr::from_ref(self).cast_mut().cast(),
            worker_count,
            feed_begin,
            feed_append,
            feed_free,
            start,
            next,
            end,
        }
    }
}

/// Turn errors and panics into a handle; null is success.
fn guard(body: impl FnOnce() -> Result<(), EngineError>) -> *mut DhEngineError {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(EngineError::new(
            "IO",
            "A distributed query failed unexpectedly; the server's log says more",
        ))
    });
    match outcome {
        Ok(()) => ptr::null_mut(),
        // SAFETY: C++ copies both strings.
        Err(error) => unsafe {
            ffi::dh_engine_error_create(error.class.as_str().into(), error.message.as_str().into())
        },
    }
}

extern "C" fn worker_count(context: *mut c_void) -> usize {
    // SAFETY: the context is the `Runner` that the instance keeps.
    let runner = unsafe { &*context.cast::<Runner>() };
    catch_unwind(AssertUnwindSafe(|| runner.0.worker_count())).unwrap_or(0)
}

unsafe extern "C" fn feed_begin(
    context: *mut c_void,
    schema: *mut FFI_ArrowSchema,
    out_feed: *mut *mut c_void,
) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: the context is the `Runner` that the instance keeps.
        let runner = unsafe { &*context.cast::<Runner>() };
        // SAFETY: C++ gives a schema, and leaves it to us.
        let schema = unsafe { std::mem::replace(&mut *schema, FFI_ArrowSchema::empty()) };
        let feed = Arc::new(runner.0.feed(Arc::new(Schema::try_from(&schema)?)));
        // SAFETY: C++ gives a place for the handle.
        unsafe { *out_feed = Arc::into_raw(feed).cast_mut().cast() };
        Ok(())
    })
}

unsafe extern "C" fn feed_append(feed: *mut c_void, batch: *mut FFI_ArrowArray) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: C++ gives an array, and leaves it to us.
        let batch = unsafe { std::mem::replace(&mut *batch, FFI_ArrowArray::empty()) };
        // SAFETY: the handle came from `feed_begin`, and was not freed.
        let feed = unsafe { &*feed.cast::<Feed>() };
        let fields = DataType::Struct(feed.schema().fields().clone());
        // SAFETY: DuckDB has made the array by the schema of the feed.
        let rows = unsafe { arrow::ffi::from_ffi_and_data_type(batch, fields) }?;
        let (_, columns, _) = StructArray::from(rows).into_parts();
        feed.append(RecordBatch::try_new(feed.schema().clone(), columns)?)
    })
}

unsafe extern "C" fn feed_free(feed: *mut c_void) {
    // SAFETY: the handle came from `feed_begin`, and is freed once.
    let feed = unsafe { Arc::from_raw(feed.cast::<Feed>()) };
    let _ = catch_unwind(AssertUnwindSafe(|| drop(feed)));
}

unsafe extern "C" fn start(
    context: *mut c_void,
    query: DhEngineStr,
    schemas: *mut FFI_ArrowSchema,
    schema_count: usize,
    feeds: *const *mut c_void,
    feed_count: usize,
    interrupt: DhEngineInterrupt,
    out_query: *mut *mut c_void,
) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: the context is the `Runner` that the instance keeps.
        let runner = unsafe { &*context.cast::<Runner>() };
        // SAFETY: C++ gives `schema_count` schemas, and leaves them to us.
        let schemas: Vec<_> = unsafe { slice::from_raw_parts_mut(schemas, schema_count) }
            .iter_mut()
            .map(|schema| std::mem::replace(schema, FFI_ArrowSchema::empty()))
            .collect();
        let schemas = schemas
            .iter()
            .map(|schema| Schema::try_from(schema).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        // SAFETY: the text lives for the call.
        let query = std::str::from_utf8(unsafe { query.as_bytes() })
            .map_err(|_| EngineError::new("Invalid Input", "a distributed query is not UTF-8"))?;
        let handles: &[*mut c_void] = match feed_count {
            0 => &[],
            // SAFETY: C++ gives `feed_count` handles of `feed_begin`,
            count => unsafe { slice::from_raw_parts(feeds, count) },
        };
        let feeds = handles.iter().map(|handle| {
            let feed = handle.cast::<Feed>().cast_const();
            // SAFETY: and keeps them: this is one more owner.
            unsafe {
                Arc::increment_strong_count(feed);
                Arc::from_raw(feed)
            }
        });
        let batches = runner.0.start(query, schemas, feeds.collect(), Interrupt(interrupt))?;
        // SAFETY: C++ gives a place for the handle.
        unsafe { *out_query = Box::into_raw(Box::new(batches)).cast() };
        Ok(())
    })
}

unsafe extern "C" fn next(query: *mut c_void, out: *mut FFI_ArrowArray) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: the handle came from `start`, and C++ reads it from one thread at a time.
        let batches = unsafe { &mut *query.cast::<Batches>() };
        if let Some(batch) = batches.next().transpose()? {
            let array = FFI_ArrowArray::new(&StructArray::from(batch).to_data());
            // SAFETY: `out` is a place for an array, and holds none.
            unsafe { ptr::write(out, array) };
        }
        Ok(())
    })
}

unsafe extern "C" fn end(query: *mut c_void) {
    // SAFETY: the handle came from `start`, and is ended once.
    let batches = unsafe { Box::from_raw(query.cast::<Batches>()) };
    // A panic in a destructor must not reach C++.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(batches)));
}
