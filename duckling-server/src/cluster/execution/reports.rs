//! What the tasks of a query have done: measured where they run, and brought to the driver when the query ends.
//!
//! It travels as metrics of DataFusion's, in the answer of the call by which the driver has sent the plan: workers end that call
//! when the driver does. Nobody waits for it but whoever asks for the report.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::{Array, RecordBatch};
use datafusion::common::Result;
use datafusion::physical_plan::metrics::{Count, Metric, MetricValue, MetricsSet};
use datafusion_distributed::{TaskKey, TaskMetrics, WorkerToCoordinatorMsg};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::engine::{Amount, TaskReport};

/// What one task has done so far.
#[derive(Debug, Default)]
pub(super) struct Measures {
    received: AtomicAmount,
    made: AtomicAmount,
    started: OnceLock<Instant>,
    ended: OnceLock<Ended>,
}

#[derive(Debug, Default)]
struct AtomicAmount {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl AtomicAmount {
    fn add(&self, rows: usize, bytes: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Ended {
    elapsed: Duration,
    cpu: Duration,
}

const ROWS_RECEIVED: &str = "duckling_rows_received";
const BYTES_RECEIVED: &str = "duckling_bytes_received";
const ROWS_MADE: &str = "duckling_rows_made";
const BYTES_MADE: &str = "duckling_bytes_made";
const ELAPSED_NANOSECONDS: &str = "duckling_elapsed_nanoseconds";
const CPU_NANOSECONDS: &str = "duckling_cpu_nanoseconds";

impl Measures {
    /// Rows of an input have arrived.
    pub(super) fn receive(&self, rows: usize, bytes: usize) {
        self.received.add(rows, bytes);
    }

    /// The task has made a batch.
    pub(super) fn make(&self, batch: &RecordBatch) {
        self.made.add(batch.num_rows(), size_of_rows(batch));
    }

    pub(super) fn start(&self) {
        self.started.get_or_init(Instant::now);
    }

    /// The task has ended, having used so much CPU time.
    pub(super) fn end(&self, cpu: Duration) {
        self.ended.get_or_init(|| Ended {
            elapsed: self.started.get().map(Instant::elapsed).unwrap_or_default(),
            cpu,
        });
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// All of it, as DataFusion carries it.
    pub(super) fn metrics(&self) -> MetricsSet {
        let so_far = || self.started.get().map(Instant::elapsed).unwrap_or_default();
        let (elapsed, cpu) = match self.ended.get() {
            Some(ended) => (ended.elapsed, ended.cpu),
            None => (so_far(), Duration::ZERO),
        };
        let nanoseconds = |time: Duration| usize::try_from(time.as_nanos()).unwrap_or(usize::MAX);
        let read = |value: &AtomicU64| usize::try_from(value.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let mut metrics = MetricsSet::new();
        for (name, value) in [
            (ROWS_RECEIVED, read(&self.received.rows)),
            (BYTES_RECEIVED, read(&self.received.bytes)),
            (ROWS_MADE, read(&self.made.rows)),
            (BYTES_MADE, read(&self.made.bytes)),
            (ELAPSED_NANOSECONDS, nanoseconds(elapsed)),
            (CPU_NANOSECONDS, nanoseconds(cpu)),
        ] {
            let count = Count::new();
            count.add(value);
            let value = MetricValue::Count {
                name: name.into(),
                count,
            };
            metrics.push(Arc::new(Metric::new(value, None)));
        }
        metrics
    }
}

/// The report of a task among the metrics of all operators of its plan.
fn read(key: TaskKey, metrics: &TaskMetrics) -> Option<TaskReport> {
    let operators = &metrics.pre_order_plan_metrics;
    let value = |name: &str| -> Option<u64> {
        let found = operators
            .iter()
            .flat_map(|operator| operator.iter())
            .find(|metric| metric.value().name() == name)?;
        Some(found.value().as_usize() as u64)
    };
    Some(TaskReport {
        // DataFusion counts from one.
        stage: key.stage_id.checked_sub(1)?,
        task: key.task_number,
        received: Amount {
            rows: value(ROWS_RECEIVED)?,
            bytes: value(BYTES_RECEIVED)?,
        },
        made: Amount {
            rows: value(ROWS_MADE)?,
            bytes: value(BYTES_MADE)?,
        },
        elapsed: Duration::from_nanos(value(ELAPSED_NANOSECONDS)?),
        cpu: Duration::from_nanos(value(CPU_NANOSECONDS)?),
    })
}

/// The rows themselves: arrays that were received share a buffer with all others of their message.
pub(super) fn size_of_rows(batch: &RecordBatch) -> usize {
    let sizes = batch.columns().iter().map(|column| {
        let data = column.to_data();
        data.get_slice_memory_size()
            .unwrap_or_else(|_| column.get_array_memory_size())
    });
    sizes.sum()
}

/// Collects the reports of one query. When it goes, the calls go that still would bring some.
#[derive(Debug, Default)]
pub(super) struct Reports {
    tasks: Arc<Mutex<Vec<TaskReport>>>,
    calls: Mutex<JoinSet<()>>,
}

impl Reports {
    /// Read what a worker answers to the call that keeps its task alive.
    pub(super) fn follow(&self, key: TaskKey, mut answers: BoxStream<'static, Result<WorkerToCoordinatorMsg>>) {
        let tasks = self.tasks.clone();
        lock(&self.calls).spawn(async move {
            // A worker that fails is known by the rows that do not come.
            while let Some(Ok(answer)) = answers.next().await {
                if let WorkerToCoordinatorMsg::TaskMetrics(metrics) = answer {
                    lock(&tasks).extend(read(key, &metrics));
                }
            }
        });
    }

    /// The reports of a query that has ended; those that do not come within `limit` are given up.
    pub(super) async fn take(&self, limit: Duration) -> Vec<TaskReport> {
        let mut calls = std::mem::take(&mut *lock(&self.calls));
        let all = async { while calls.join_next().await.is_some() {} };
        // What is missing is not worth waiting for.
        let _ = timeout(limit, all).await;
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        tasks.sort_by_key(|report| (report.stage, report.task));
        tasks
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
