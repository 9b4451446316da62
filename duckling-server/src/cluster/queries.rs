//! Queries of this server's DuckDB on the workers that are there.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tokio::runtime::Handle;
use url::Url;

use super::Cluster;
use super::execution::{
    DistributedQuery, ExecutionResources, Feeds, QueryReader, WorkerChannels, execute, has_broken_connection,
};
use super::members::WorkerHandle;
use super::query_progress::QueryProgress;
use crate::engine::{Batches, EngineError, Feed, Interrupt, ProgressProbe, QueryReport, QueryRunner, RemoteQuery};

/// How often a query may begin anew because a worker was lost before its first rows had come.
const MAX_ATTEMPTS: usize = 3;

/// Runs what DuckDB has cut into stages.
pub struct ClusterQueries {
    /// The cluster holds the instance that asks.
    cluster: Weak<Cluster>,
    resources: ExecutionResources,
    spill_folder: PathBuf,
}

impl ClusterQueries {
    /// `feeds`: those that the server's own worker service reads; `spill_folder`: where they go that do not fit into memory.
    pub fn new(cluster: &Arc<Cluster>, runtime: Handle, feeds: Arc<Feeds>, spill_folder: PathBuf) -> Self {
        let itself = Arc::downgrade(cluster);
        let channels = WorkerChannels::new(Arc::new(move || itself.upgrade()?.own_address()));
        Self {
            cluster: Arc::downgrade(cluster),
            resources: ExecutionResources {
                runtime,
                channels,
                feeds,
            },
            spill_folder,
        }
    }
}

impl QueryRunner for ClusterQueries {
    fn worker_count(&self) -> usize {
        self.cluster.upgrade().map_or(0, |cluster| cluster.worker_count())
    }

    fn feed(&self, schema: SchemaRef) -> Feed {
        Feed::new(schema, self.spill_folder.clone())
    }

    fn start(
        &self,
        query: &str,
        schemas: Vec<SchemaRef>,
        feeds: Vec<Arc<Feed>>,
        interrupt: Interrupt,
    ) -> Result<Batches, EngineError> {
        let mut running = RunningQuery {
            query: DistributedQuery::from_json(query, schemas, feeds)?,
            cluster: self.cluster.upgrade().ok_or_else(closing)?,
            resources: self.resources.clone(),
            interrupt,
            workers: Vec::new(),
            batches: None,
            attempts: 0,
            has_rows: false,
            progress: Arc::new(QueryProgress::new(self.resources.runtime.clone())),
        };
        running.begin()?;
        Ok(Box::new(running))
    }
}

fn closing() -> EngineError {
    EngineError::new("Connection", "The server is shutting down")
}

struct RunningQuery {
    query: DistributedQuery,
    cluster: Arc<Cluster>,
    resources: ExecutionResources,
    interrupt: Interrupt,
    workers: Vec<WorkerHandle>,
    batches: Option<QueryReader>,
    attempts: usize,
    /// Rows have gone to DuckDB: what it has done with them cannot be undone.
    has_rows: bool,
    progress: Arc<QueryProgress>,
}

impl RunningQuery {
    fn begin(&mut self) -> Result<(), EngineError> {
        self.attempts += 1;
        self.workers = self.cluster.workers();
        if self.workers.is_empty() {
            return Err(EngineError::new("IO", "All workers of the cluster are lost"));
        }
        let urls = self.workers.iter().map(|worker| Url::parse(&worker.url));
        let urls = urls
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| EngineError::new("IO", format!("A worker has no proper address: {error}")))?;
        let interrupt = self.interrupt;
        let reader = execute(self.query.clone(), urls, &self.resources, move || {
            interrupt.is_interrupted()
        })?;
        let addresses = self.workers.iter().map(|worker| worker.address().to_string());
        let tasks = self.query.stages.iter().map(|stage| stage.tasks).sum();
        self.progress.follow(reader.query_id(), addresses.collect(), tasks);
        self.batches = Some(reader);
        Ok(())
    }

    /// Begin anew if a worker is lost, or was not reached through a connection, and nothing has been read yet.
    fn recover(&mut self, error: EngineError) -> Result<(), EngineError> {
        self.batches = None;
        if self.has_rows || error.class != "IO" || self.attempts >= MAX_ATTEMPTS {
            return Err(error);
        }
        let lost = self.resources.runtime.block_on(async {
            let probes = self
                .workers
                .iter()
                .map(|worker| self.cluster.report_failure(&worker.id));
            futures::future::join_all(probes).await.contains(&false)
        });
        if lost {
            tracing::warn!(%error, "a worker was lost: the query begins anew on the others");
        } else if has_broken_connection(&error) {
            tracing::warn!(%error, "a connection broke: the query begins anew on other ones");
        } else {
            return Err(error);
        }
        self.begin()
    }
}

impl Iterator for RunningQuery {
    type Item = Result<RecordBatch, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.batches.as_mut()?.next()? {
                Ok(batch) => {
                    self.has_rows = true;
                    return Some(Ok(batch));
                }
                Err(error) => {
                    if let Err(error) = self.recover(EngineError::from(error)) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}

impl Drop for RunningQuery {
    fn drop(&mut self) {
        self.progress.end();
    }
}

impl RemoteQuery for RunningQuery {
    fn progress(&self) -> ProgressProbe {
        let progress = self.progress.clone();
        Box::new(move || progress.fraction())
    }

    fn finish(&mut self) -> QueryReport {
        self.progress.end();
        self.batches.as_mut().map(QueryReader::finish).unwrap_or_default()
    }
}
