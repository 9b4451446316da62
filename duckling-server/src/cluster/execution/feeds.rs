//! What a driver feeds to the tasks of its queries: a stage of one task, which runs on the driver itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::duckdb_exec::DuckDbExec;
use super::errors;
use super::leaf::{Leaf, Source};
use super::worker::TaskHost;
use crate::engine::{EngineError, Feed};

/// The feeds of the queries that this duckling drives.
#[derive(Default)]
pub struct Feeds {
    feeds: Mutex<HashMap<Uuid, Arc<Feed>>>,
}

impl Feeds {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Feed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offer feeds to tasks until the result is dropped.
    pub(super) fn offer(self: &Arc<Self>, feeds: &[Arc<Feed>]) -> OfferedFeeds {
        let ids: Vec<_> = feeds.iter().map(|_| Uuid::new_v4()).collect();
        self.lock().extend(ids.iter().copied().zip(feeds.iter().cloned()));
        OfferedFeeds {
            feeds: self.clone(),
            ids,
        }
    }

    fn find(&self, id: &Uuid) -> Option<Arc<Feed>> {
        self.lock().get(id).cloned()
    }
}

/// Feeds of one query.
pub(super) struct OfferedFeeds {
    feeds: Arc<Feeds>,
    pub ids: Vec<Uuid>,
}

impl Drop for OfferedFeeds {
    fn drop(&mut self) {
        let mut feeds = self.feeds.lock();
        for id in &self.ids {
            feeds.remove(id);
        }
    }
}

/// A feed of the duckling that it is read on.
#[derive(Debug)]
pub(super) struct FeedSource(pub Uuid);

/// Whether a stage is to run on the driver. Below a [`DuckDbExec`] there are other stages.
pub(super) fn is_feed(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<Leaf<FeedSource>>().is_some()
        || (plan.downcast_ref::<DuckDbExec>().is_none() && plan.children().into_iter().any(is_feed))
}

impl Source for FeedSource {
    const NAME: &'static str = "Feed";

    fn read(&self, schema: SchemaRef, context: &TaskContext) -> Result<SendableRecordBatchStream> {
        let host = context
            .session_config()
            .get_extension::<TaskHost>()
            .ok_or_else(|| exec_datafusion_err!("this duckling feeds no tasks"))?;
        let feed = host.feeds.find(&self.0).ok_or_else(|| {
            errors::encode(&EngineError::new(
                "IO",
                "the query is over, or this is not the driver that runs it",
            ))
        })?;
        let batches = stream::unfold((feed, 0), |(feed, position)| async move {
            let reading = feed.clone();
            // It may be on disk.
            let batch = spawn_blocking(move || reading.read(position)).await;
            let batch = batch.unwrap_or_else(|_| Err(EngineError::new("IO", "cannot read a feed")));
            let batch = batch.map_err(|error| errors::encode(&error)).transpose()?;
            Some((batch, (feed, position + 1)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}
