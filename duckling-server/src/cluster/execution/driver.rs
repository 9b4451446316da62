//! Running a query that was cut into stages: the driver's side.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchReader;
use datafusion::common::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{DistributedExt, RouteTasksEvent, RouteTasksEventResponse};
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::codegen::http::HeaderMap;
use url::Url;
use uuid::Uuid;

use super::channels::{WorkerChannels, driver_url};
use super::codec::DuckDbCodec;
use super::feeds::{Feeds, OfferedFeeds, is_feed};
use super::queries::QUERY_HEADER;
use super::query::DistributedQuery;
use super::reports::{Reports, size_of_rows};
use super::{errors, plan};
use crate::engine::{Amount, EngineError, QueryReport};

/// How often a reader that waits asks whether it is interrupted.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(20);
/// How long the reports of tasks may be on their way once their query has ended.
const REPORT_PATIENCE: Duration = Duration::from_millis(200);
/// Batches of the result that wait for the reader, beside what the exchange holds.
const MAX_QUEUED_BATCHES: usize = 2;

/// What queries of a driver run with.
#[derive(Clone)]
pub struct ExecutionResources {
    pub runtime: Handle,
    pub channels: WorkerChannels,
    pub feeds: Arc<Feeds>,
}

impl ExecutionResources {
    /// With connections of its own, on a runtime.
    pub fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            channels: WorkerChannels::default(),
            feeds: Arc::default(),
        }
    }
}

/// Start a query on `workers`. Must be called outside the async runtime: the reader blocks. `is_interrupted` is asked about
/// every 20 ms while it waits; then, and when it is dropped, the query ends on all workers.
///
/// Errors of the reader hold an [`EngineError`], which `EngineError::from` finds: DuckDB's own as it was thrown, or `IO`,
/// which names the worker, if one of them failed.
///
/// # Errors
/// `Internal` if the query makes no sense, `Invalid Input` if there are no workers.
pub fn execute(
    query: DistributedQuery,
    workers: Vec<Url>,
    resources: &ExecutionResources,
    is_interrupted: impl Fn() -> bool + Send + 'static,
) -> Result<QueryReader, EngineError> {
    query.check()?;
    if workers.is_empty() {
        return Err(EngineError::new("Invalid Input", "There are no workers"));
    }
    let query_id = Uuid::new_v4();
    let most_tasks = query.stages.iter().map(|stage| stage.tasks).max().unwrap_or(0);
    let used_workers = most_tasks.min(workers.len());
    let reports = Arc::<Reports>::default();
    let feeds = resources.feeds.offer(&query.feeds);
    let plan = plan::build(query_id, query, &feeds.ids).map_err(|error| errors::decode(&error))?;
    let context = context(query_id, workers, resources, reports.clone()).map_err(|error| errors::decode(&error))?;
    let schema = plan.schema();
    let (sender, batches) = mpsc::channel(MAX_QUEUED_BATCHES);
    let running = resources.runtime.spawn(async move {
        let mut rows = plan.execute(0, context)?;
        while let Some(batch) = rows.next().await {
            if sender.send(batch?).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    Ok(QueryReader {
        query_id: query_id.to_string(),
        runtime: resources.runtime.clone(),
        schema,
        batches,
        running: Some(running),
        _feeds: feeds,
        is_interrupted: Box::new(is_interrupted),
        reports,
        has_failed: false,
        workers: used_workers,
        received: Amount::default(),
    })
}

fn context(
    query_id: Uuid,
    workers: Vec<Url>,
    resources: &ExecutionResources,
    reports: Arc<Reports>,
) -> DataFusionResult<Arc<TaskContext>> {
    let place = move |event: RouteTasksEvent| {
        if is_feed(event.plan) {
            return Some(Ok(RouteTasksEventResponse::new(vec![driver_url()])));
        }
        let urls = workers.iter().cycle().take(event.task_count).cloned().collect();
        Some(Ok(RouteTasksEventResponse::new(urls)))
    };
    let mut headers = HeaderMap::new();
    headers.insert(
        QUERY_HEADER,
        query_id.to_string().parse().expect("an id is a header value"),
    );
    let config = SessionConfig::new()
        .with_extension(reports)
        .with_distributed_channel_resolver(resources.channels.clone())
        .with_distributed_user_codec(DuckDbCodec)
        .with_distributed_route_tasks_handler(place)
        .with_distributed_passthrough_headers(headers)?
        .with_distributed_metrics_collection(true)?;
    Ok(Arc::new(TaskContext::default().with_session_config(config)))
}

/// The rows of a query that runs. Dropping it ends the query.
pub struct QueryReader {
    query_id: String,
    runtime: Handle,
    schema: SchemaRef,
    batches: mpsc::Receiver<RecordBatch>,
    /// None once the query has ended.
    running: Option<JoinHandle<Result<(), DataFusionError>>>,
    /// Offered as long as the query runs.
    _feeds: OfferedFeeds,
    is_interrupted: Box<dyn Fn() -> bool + Send>,
    reports: Arc<Reports>,
    /// Then nobody waits for reports.
    has_failed: bool,
    workers: usize,
    received: Amount,
}

impl Drop for QueryReader {
    fn drop(&mut self) {
        self.end();
    }
}

impl QueryReader {
    /// What the workers know the query by.
    pub fn query_id(&self) -> &str {
        &self.query_id
    }

    /// End the query, and tell what was done for it. Waits a moment for the tasks' reports, unless it has failed.
    pub fn finish(&mut self) -> QueryReport {
        self.end();
        let patience = if self.has_failed {
            Duration::ZERO
        } else {
            REPORT_PATIENCE
        };
        QueryReport {
            workers: self.workers,
            received: self.received,
            tasks: self.runtime.block_on(self.reports.take(patience)),
        }
    }

    /// End the query on all workers: they notice that nobody reads.
    fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, EngineError> {
        while self.running.is_some() {
            if (self.is_interrupted)() {
                self.end();
                return Err(EngineError::new(EngineError::INTERRUPT, "Interrupted!"));
            }
            let batches = &mut self.batches;
            let waited = self
                .runtime
                .block_on(async { timeout(INTERRUPT_INTERVAL, batches.recv()).await });
            match (waited, &mut self.running) {
                (Ok(Some(batch)), _) => return Ok(Some(batch)),
                (Ok(None), Some(running)) => {
                    let outcome = self.runtime.block_on(running);
                    self.running = None;
                    return match outcome {
                        Ok(Ok(())) => Ok(None),
                        Ok(Err(error)) => Err(errors::decode(&error)),
                        Err(lost) => Err(EngineError::new("IO", format!("A distributed query was lost: {lost}"))),
                    };
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Iterator for QueryReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch();
        match &next {
            Ok(Some(batch)) => {
                self.received += Amount {
                    rows: batch.num_rows() as u64,
                    bytes: size_of_rows(batch) as u64,
                };
            }
            Ok(None) => {}
            Err(_) => self.has_failed = true,
        }
        next.map_err(|error| ArrowError::ExternalError(Box::new(error)))
            .transpose()
    }
}

impl RecordBatchReader for QueryReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
