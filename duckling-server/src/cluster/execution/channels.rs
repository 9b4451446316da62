//! Connections from a duckling to the workers: made when they are needed, shared by all queries, and given up as soon as a
//! worker is silent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::common::{DataFusionError, Result, config_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_distributed::grpc::{BoxCloneSyncChannel, create_worker_client};
use datafusion_distributed::{
    ChannelResolver, CoordinatorToWorkerMsg, ExecuteTaskRequest, GetWorkerInfoRequest, GetWorkerInfoResponse,
    SetPlanRequest, WorkerChannel, WorkerToCoordinatorMsg,
};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tonic::codegen::http::HeaderMap;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use super::errors;
use super::reports::Reports;

/// How long a worker may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a worker that something is expected from is asked whether it lives,
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// and how long it may take to say so: together, a worker that is frozen or cut off is noticed within 5 seconds.
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// HTTP/2 flow-control windows, as large as those of `flight`.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
const MAX_FRAME_BYTES: u32 = 1 << 20;
/// Error texts travel in headers.
const MAX_HEADER_BYTES: u32 = 1 << 20;

/// Where a duckling reaches the driver of the queries whose tasks it runs: `host:port`; absent if it has none.
pub type DriverAddress = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Stands for the driver in plans: every worker knows its address, which the driver itself may not.
pub(super) fn driver_url() -> Url {
    Url::parse("driver://driver").expect("a constant is an URL")
}

/// The connections of one duckling to the workers, and to the driver that feeds their tasks.
#[derive(Clone, Default)]
pub struct WorkerChannels {
    channels: Arc<Mutex<HashMap<Url, Channel>>>,
    driver: Option<DriverAddress>,
}

impl WorkerChannels {
    pub fn new(driver: DriverAddress) -> Self {
        Self {
            driver: Some(driver),
            ..Self::default()
        }
    }

    /// Where an URL of a plan leads.
    fn resolve(&self, url: &Url) -> Result<Url> {
        if *url != driver_url() {
            return Ok(url.clone());
        }
        let address = self.driver.as_ref().and_then(|driver| driver());
        let address = address.ok_or_else(|| config_datafusion_err!("this worker has no driver any more"))?;
        Url::parse(&format!("http://{address}"))
            .map_err(|error| config_datafusion_err!("{address} is no address of a driver: {error}"))
    }

    fn channel(&self, url: &Url) -> Result<Channel> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(url) {
            return Ok(channel.clone());
        }
        let channel = endpoint(url)?.connect_lazy();
        channels.insert(url.clone(), channel.clone());
        Ok(channel)
    }

    /// The next query begins with a new connection.
    fn forget(&self, url: &Url) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.remove(url);
    }
}

fn endpoint(url: &Url) -> Result<Endpoint> {
    Ok(Endpoint::from_shared(url.to_string())
        .map_err(|error| config_datafusion_err!("{url} is no address of a worker: {error}"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .http2_max_header_list_size(MAX_HEADER_BYTES))
}

#[async_trait]
impl ChannelResolver for WorkerChannels {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>> {
        let url = &self.resolve(url)?;
        let channel = BoxCloneSyncChannel::new(self.channel(url)?);
        Ok(Box::new(KnownWorker {
            client: create_worker_client(channel),
            failed: Failed {
                channels: self.clone(),
                url: url.clone(),
            },
        }))
    }
}

/// A worker whose failures say which one it is.
struct KnownWorker {
    client: Box<dyn WorkerChannel>,
    failed: Failed,
}

#[derive(Clone)]
struct Failed {
    channels: WorkerChannels,
    url: Url,
}

impl Failed {
    fn explain(&self, error: DataFusionError) -> DataFusionError {
        if errors::is_of_network(&error) {
            self.channels.forget(&self.url);
        }
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        errors::at_worker(&format!("{host}{port}"), error)
    }

    fn explain_stream<T: 'static>(&self, stream: BoxStream<'static, Result<T>>) -> BoxStream<'static, Result<T>> {
        let failed = self.clone();
        stream.map_err(move |error| failed.explain(error)).boxed()
    }
}

#[async_trait]
impl WorkerChannel for KnownWorker {
    async fn coordinator_channel(
        &mut self,
        headers: HeaderMap,
        set_plan_request: SetPlanRequest,
        c2w_stream: BoxStream<'static, CoordinatorToWorkerMsg>,
        metrics: ExecutionPlanMetricsSet,
        task_ctx: &Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<WorkerToCoordinatorMsg>>> {
        let key = set_plan_request.task_key;
        let answers = self
            .client
            .coordinator_channel(headers, set_plan_request, c2w_stream, metrics, task_ctx)
            .await
            .map_err(|error| self.failed.explain(error))?;
        match task_ctx.session_config().get_extension::<Reports>() {
            Some(reports) => {
                reports.follow(key, answers);
                // Else the query would not end before it has all reports.
                Ok(stream::empty().boxed())
            }
            None => Ok(self.failed.explain_stream(answers)),
        }
    }

    async fn execute_task(
        &mut self,
        headers: HeaderMap,
        request: ExecuteTaskRequest,
        metrics: ExecutionPlanMetricsSet,
        task_ctx: &Arc<TaskContext>,
    ) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
        let streams = self
            .client
            .execute_task(headers, request, metrics, task_ctx)
            .await
            .map_err(|error| self.failed.explain(error))?;
        Ok(streams
            .into_iter()
            .map(|stream| self.failed.explain_stream(stream))
            .collect())
    }

    async fn get_worker_info(&mut self, request: GetWorkerInfoRequest) -> Result<GetWorkerInfoResponse> {
        self.client.get_worker_info(request).await
    }
}
