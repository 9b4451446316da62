//! The service by which a duckling runs tasks of others' queries.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::Result;
use datafusion::execution::SessionState;
use datafusion_distributed::{DistributedExt, Worker, WorkerQueryContext, WorkerSessionBuilder};

use super::channels::WorkerChannels;
use super::codec::DuckDbCodec;
use super::feeds::Feeds;
use super::queries::{self, Queries};
use crate::cluster::TaskCounters;
use crate::engine::Database;

/// What tasks run with.
#[derive(Clone)]
pub struct TaskHost {
    pub database: Database,
    pub counters: Arc<TaskCounters>,
    pub queries: Arc<Queries>,
    /// Where inputs go that do not fit into memory.
    pub spill_folder: PathBuf,
    /// What this duckling feeds to the tasks of its own queries.
    pub feeds: Arc<Feeds>,
    /// To the workers that inputs come from.
    pub channels: WorkerChannels,
}

/// The worker of a duckling.
pub fn worker(host: TaskHost) -> Worker {
    Worker::from_session_builder(TaskSessions(Arc::new(host)))
}

/// The query that a task belongs to, if its driver says.
pub(super) struct QueryId(pub Option<String>);

/// Gives each task what it needs to be decoded and run.
struct TaskSessions(Arc<TaskHost>);

#[async_trait]
impl WorkerSessionBuilder for TaskSessions {
    async fn build_session_state(&self, context: WorkerQueryContext) -> Result<SessionState> {
        let mut builder = context
            .builder
            .with_distributed_user_codec(DuckDbCodec)
            .with_distributed_channel_resolver(self.0.channels.clone());
        let config = builder.config().get_or_insert_default();
        config.set_extension(self.0.clone());
        config.set_extension(Arc::new(QueryId(queries::query_of(&context.headers))));
        Ok(builder.build())
    }
}
