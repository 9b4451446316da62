//! The calls that are being answered, and whether server or client keeps them going: a server that stops waits for its
//! own work, not for clients that do not read.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::{Frame, SizeHint};
use tokio::time::sleep;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Body as HttpBody, BoxFuture, Bytes, Service};
use tonic::server::NamedService;

/// A client that takes nothing of its answer for so long is not reading it.
const READER_PATIENCE: Duration = Duration::from_secs(5);
/// How often a stopping server looks.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The calls of one server that are being answered.
#[derive(Clone, Default)]
pub struct Calls {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    next_id: u64,
    /// When a call was last waiting for its client to read on; `None` while the server works on it.
    waiting_since: HashMap<u64, Option<Instant>>,
}

impl Calls {
    /// Have a service report its calls here.
    pub fn track<S>(&self, service: S) -> Tracked<S> {
        Tracked {
            service,
            calls: self.clone(),
        }
    }

    /// Wait until there are no calls but those whose clients have stopped reading.
    pub async fn settled(&self) {
        while self.working(READER_PATIENCE) {
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Wait until no call has work left for the server; what is done may still be on its way to the client.
    pub async fn worked_off(&self) {
        while self.working(Duration::ZERO) {
            sleep(POLL_INTERVAL).await;
        }
    }

    fn working(&self, patience: Duration) -> bool {
        let waits = |since: &Option<Instant>| since.is_some_and(|since| since.elapsed() >= patience);
        !self.lock().waiting_since.values().all(waits)
    }

    fn start(&self) -> Call {
        let mut state = self.lock();
        state.next_id += 1;
        let id = state.next_id;
        state.waiting_since.insert(id, None);
        Call {
            calls: self.clone(),
            id,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call, from its request to the end of its answer.
struct Call {
    calls: Calls,
    id: u64,
}

impl Call {
    fn set_waiting(&self, since: Option<Instant>) {
        self.calls.lock().waiting_since.insert(self.id, since);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.calls.lock().waiting_since.remove(&self.id);
    }
}

/// A service whose calls are counted.
#[derive(Clone)]
pub struct Tracked<S> {
    service: S,
    calls: Calls,
}

impl<S: NamedService> NamedService for Tracked<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Tracked<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = self.calls.start();
        let response = self.service.call(request);
        Box::pin(async move {
            let response = response.await?;
            Ok(response.map(|body| Body::new(Answer { body, call })))
        })
    }
}

/// The body of an answer. The transport asks for the next part only when the client has room for it.
struct Answer {
    body: Body,
    call: Call,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.call.set_waiting(None);
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_ready() {
            self.call.set_waiting(Some(Instant::now()));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_work_of_the_server_is_waited_for() {
        let calls = Calls::default();
        calls.settled().await;
        let (working, read) = (calls.start(), calls.start());
        assert!(calls.working(Duration::ZERO));
        drop(working);
        assert!(calls.working(Duration::ZERO), "the other goes on");
        read.set_waiting(Some(Instant::now()));
        calls.worked_off().await;
        assert!(calls.working(READER_PATIENCE), "the client may just be slow");
        let long_ago = Instant::now()
            .checked_sub(READER_PATIENCE)
            .expect("the clock has run for longer");
        read.set_waiting(Some(long_ago));
        calls.settled().await;
    }
}
