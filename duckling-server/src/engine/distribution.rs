//! Queries that DuckDB has cut into stages, and whoever runs them.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, StructArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::record_batch::RecordBatch;

use super::error::EngineError;
use super::feed::Feed;
use super::ffi::{
    self, DhEngineAmount, DhEngineCluster, DhEngineError, DhEngineInterrupt, DhEngineQueryReport, DhEngineStr,
    DhEngineTaskReport,
};

/// A query that others run: its batches. Dropping it ends the query.
pub trait RemoteQuery: Iterator<Item = Result<RecordBatch, EngineError>> + Send {
    /// What tells any thread how much of the query is done, from 0 to 1. It does not wait.
    fn progress(&self) -> ProgressProbe;

    /// End the query, and tell what was done for it, as far as the tasks say so within a moment.
    fn finish(&mut self) -> QueryReport;
}

pub type Batches = Box<dyn RemoteQuery>;
pub type ProgressProbe = Box<dyn Fn() -> f64 + Send + Sync>;

/// Rows, and the bytes of their Arrow buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub rows: u64,
    pub bytes: u64,
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// What one task has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskReport {
    /// Counted from 0, as are the tasks of a stage.
    pub stage: usize,
    pub task: usize,
    /// From other tasks.
    pub received: Amount,
    pub made: Amount,
    /// From its first row of each input until its last row was taken.
    pub elapsed: Duration,
    /// Of DuckDB's threads; 0 for a task that was ended before its time.
    pub cpu: Duration,
}

/// What was done for a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryReport {
    /// Ducklings that its tasks were given to.
    pub workers: usize,
    /// What has come back.
    pub received: Amount,
    /// Those that have reported, by stage and number.
    pub tasks: Vec<TaskReport>,
}

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

/// What C++ has of a query that runs.
struct QueryHandle {
    query: Batches,
    /// May be asked while a thread waits for rows.
    progress: ProgressProbe,
    /// Of its report, for C++ to read.
    tasks: Vec<DhEngineTaskReport>,
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
            progress,
            finish,
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
        let query = runner.0.start(query, schemas, feeds.collect(), Interrupt(interrupt))?;
        let query = QueryHandle {
            progress: query.progress(),
            query,
            tasks: Vec::new(),
        };
        // SAFETY: C++ gives a place for the handle.
        unsafe { *out_query = Box::into_raw(Box::new(query)).cast() };
        Ok(())
    })
}

unsafe extern "C" fn next(query: *mut c_void, out: *mut FFI_ArrowArray) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: the handle came from `start`, and C++ reads it from one thread at a time.
        // Not all of it: another thread may ask for its progress.
        let rows = unsafe { &mut (*query.cast::<QueryHandle>()).query };
        if let Some(batch) = rows.next().transpose()? {
            let array = FFI_ArrowArray::new(&StructArray::from(batch).to_data());
            // SAFETY: `out` is a place for an array, and holds none.
            unsafe { ptr::write(out, array) };
        }
        Ok(())
    })
}

unsafe extern "C" fn progress(query: *mut c_void) -> f64 {
    // SAFETY: the handle came from `start`, and nobody changes this part of it.
    let probe = unsafe { &(*query.cast::<QueryHandle>()).progress };
    catch_unwind(AssertUnwindSafe(probe)).unwrap_or(0.0)
}

unsafe extern "C" fn finish(query: *mut c_void, out: *mut DhEngineQueryReport) -> *mut DhEngineError {
    guard(|| {
        // SAFETY: the handle came from `start`; C++ reads no rows meanwhile, and no other report.
        let (rows, tasks) = unsafe {
            let handle = query.cast::<QueryHandle>();
            (&mut (*handle).query, &mut (*handle).tasks)
        };
        let report = rows.finish();
        *tasks = report.tasks.iter().map(task_view).collect();
        let view = DhEngineQueryReport {
            workers: report.workers as u64,
            received: amount_view(report.received),
            tasks: tasks.as_ptr(),
            task_count: tasks.len(),
        };
        // SAFETY: C++ gives a place for the report, and reads its tasks while the handle lives.
        unsafe { ptr::write(out, view) };
        Ok(())
    })
}

fn amount_view(amount: Amount) -> DhEngineAmount {
    DhEngineAmount {
        rows: amount.rows,
        bytes: amount.bytes,
    }
}

fn task_view(report: &TaskReport) -> DhEngineTaskReport {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    DhEngineTaskReport {
        stage: report.stage as u64,
        task: report.task as u64,
        received: amount_view(report.received),
        made: amount_view(report.made),
        elapsed_nanoseconds: nanoseconds(report.elapsed),
        cpu_nanoseconds: nanoseconds(report.cpu),
    }
}

unsafe extern "C" fn end(query: *mut c_void) {
    // SAFETY: the handle came from `start`, and is ended once.
    let handle = unsafe { Box::from_raw(query.cast::<QueryHandle>()) };
    // A panic in a destructor must not reach C++.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(handle)));
}
