//! The queries that have tasks on this worker, and how these learn that their query is over.
//!
//! A driver keeps a call open per task for as long as its query runs: the one by which it has sent the plan. When it ends,
//! also because the driver is gone, nobody wants the rows any more. Streams that are dropped would tell the same, but
//! DataFusion's `RepartitionExec` notices that only when it has rows for each of its consumers, and plans are kept for a
//! while.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{Body as HttpBody, Bytes, Service};
use tonic::server::NamedService;

use super::task::Run;

/// Names the query in every call of its driver.
pub(super) const QUERY_HEADER: &str = "duckling-query";
/// The call that stays open. Source: `worker.proto` of datafusion-distributed.
const PLAN_METHOD: &str = "CoordinatorChannel";

/// The queries of a worker.
#[derive(Default)]
pub struct Queries {
    running: Mutex<HashMap<String, Query>>,
}

#[derive(Default)]
struct Query {
    /// Calls of the driver that are open.
    calls: usize,
    /// One of them has ended.
    over: bool,
    tasks: Vec<Weak<Run>>,
}

impl Queries {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Query>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(self: &Arc<Self>, id: &str) -> OpenCall {
        self.lock().entry(id.to_string()).or_default().calls += 1;
        OpenCall {
            queries: self.clone(),
            id: id.to_string(),
        }
    }

    /// Have a task end with its query. It ends at once if that is over.
    pub(super) fn register(&self, id: &str, task: &Arc<Run>) {
        if let Some(query) = self.lock().get_mut(id)
            && !query.over
        {
            query.tasks.push(Arc::downgrade(task));
            return;
        }
        task.cancel();
    }

    /// How many of the tasks of a query are done that this worker has; those that run count in part.
    pub fn tasks_done(&self, id: &str) -> f64 {
        let tasks = self.lock().get(id).map(|query| query.tasks.clone());
        let done = |task: &Weak<Run>| task.upgrade().map_or(1.0, |task| task.progress());
        tasks.unwrap_or_default().iter().map(done).sum()
    }

    /// Have a service report the calls of drivers here.
    pub fn watch<S>(self: &Arc<Self>, service: S) -> Watched<S> {
        Watched {
            service,
            queries: self.clone(),
        }
    }
}

/// The query that a call belongs to.
pub(super) fn query_of(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(QUERY_HEADER)?.to_str().ok()?;
    Some(id.to_string())
}

/// A call of a driver, until it ends.
struct OpenCall {
    queries: Arc<Queries>,
    id: String,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let mut running = self.queries.lock();
        let Some(query) = running.get_mut(&self.id) else {
            return;
        };
        query.over = true;
        query.calls -= 1;
        let tasks = std::mem::take(&mut query.tasks);
        if query.calls == 0 {
            running.remove(&self.id);
        }
        drop(running);
        for task in tasks.iter().filter_map(Weak::upgrade) {
            task.cancel();
        }
    }
}

/// A worker service whose open calls are known.
#[derive(Clone)]
pub struct Watched<S> {
    service: S,
    queries: Arc<Queries>,
}

impl<S: NamedService> NamedService for Watched<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Watched<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let keeps_open = request.uri().path().ends_with(PLAN_METHOD);
        let Some(id) = query_of(request.headers()).filter(|_| keeps_open) else {
            return self.service.call(request);
        };
        let call = self.queries.open(&id);
        self.service
            .call(request.map(|body| Body::new(WatchedBody { body, _call: call })))
    }
}

/// What a driver sends in an open call.
struct WatchedBody {
    body: Body,
    _call: OpenCall,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
