//! How far a distributed query is: asked of its workers, for as long as somebody wants to know.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use duckling_protocol::QueryProgressRequest;
use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::peer::Peer;

/// How often workers are asked, and how long they may take to answer.
const INTERVAL: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of one query.
pub struct QueryProgress {
    runtime: Handle,
    /// Bits of a number from 0 to 1.
    fraction: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    asking: Option<JoinHandle<()>>,
}

/// A query on its workers.
struct Running {
    query_id: String,
    /// `host:port` of each.
    workers: Vec<String>,
    tasks: usize,
}

impl QueryProgress {
    pub fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            fraction: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// The query runs, perhaps anew.
    pub fn follow(&self, query_id: &str, workers: Vec<String>, tasks: usize) {
        self.end();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running = Some(Running {
            query_id: query_id.to_string(),
            workers,
            tasks,
        });
    }

    /// How much is done, from 0 to 1, as was last heard. Does not wait; workers are asked from the first time on.
    pub fn fraction(&self) -> f64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = state.running.take() {
            state.asking = Some(self.runtime.spawn(ask(running, self.fraction.clone())));
        }
        f64::from_bits(self.fraction.load(Ordering::Relaxed))
    }

    /// Ask no more.
    pub fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running = None;
        if let Some(asking) = state.asking.take() {
            asking.abort();
        }
    }
}

impl Drop for QueryProgress {
    fn drop(&mut self) {
        self.end();
    }
}

async fn ask(running: Running, fraction: Arc<AtomicU64>) {
    // A worker without a proper address gets no tasks either.
    let workers: Vec<Peer> = running
        .workers
        .iter()
        .filter_map(|worker| Peer::new(worker).ok())
        .collect();
    let request = QueryProgressRequest {
        query_id: running.query_id,
    };
    loop {
        let answers = join_all(workers.iter().map(|worker| worker.query_progress(&request, PATIENCE))).await;
        let done: f64 = answers.iter().flatten().map(|answer| answer.tasks_done).sum();
        let known = f64::from_bits(fraction.load(Ordering::Relaxed));
        let now = (done / running.tasks.max(1) as f64).min(1.0);
        fraction.store(now.max(known).to_bits(), Ordering::Relaxed);
        sleep(INTERVAL).await;
    }
}
