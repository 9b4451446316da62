//! The queue between the thread that runs a statement and the task that sends its result.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::sync::Notify;

use super::connection::Connection;
use super::error::EngineError;
use super::stream::BatchStream;

/// How much a result may run ahead of its reader, in bytes of Arrow buffers.
const MAX_QUEUED_BYTES: usize = 8 << 20;

#[derive(Default)]
struct State {
    queue: VecDeque<Result<RecordBatch, EngineError>>,
    queued_bytes: usize,
    /// The statement has ended: the connection is free.
    finished: bool,
    /// The reader is gone.
    cancelled: bool,
    /// Another statement waits for the connection: take all the rest in.
    unbounded: bool,
}

pub(super) struct Outlet {
    state: Mutex<State>,
    /// Signals the running thread that there is room, or no reader.
    room: Condvar,
    /// Signals the reader, and whoever waits for the connection.
    progress: Notify,
    connection: Arc<Connection>,
}

impl Outlet {
    pub(super) fn new(connection: Arc<Connection>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            room: Condvar::new(),
            progress: Notify::new(),
            connection,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hold the connection for one statement; dropping the claim frees it.
    pub(super) fn claim(&self) -> Claim<'_> {
        Claim(self)
    }

    /// False when the reader is gone.
    fn push(&self, batch: Result<RecordBatch, EngineError>) -> bool {
        let bytes = batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
        let mut state = self.lock();
        while state.queued_bytes >= MAX_QUEUED_BYTES && !state.cancelled && !state.unbounded {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.cancelled {
            return false;
        }
        state.queued_bytes += bytes;
        state.queue.push_back(batch);
        drop(state);
        self.progress.notify_waiters();
        true
    }

    async fn pop(&self) -> Option<Result<RecordBatch, EngineError>> {
        self.wait_for(|state| match state.queue.pop_front() {
            Some(batch) => {
                state.queued_bytes -= batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
                self.room.notify_one();
                Some(Some(batch))
            }
            None => state.finished.then_some(None),
        })
        .await
    }

    /// Wait until the connection is free, without losing rows that the reader has not taken yet.
    pub(super) async fn release_connection(&self) {
        self.lock().unbounded = true;
        self.room.notify_all();
        self.wait_for(|state| state.finished.then_some(())).await;
    }

    /// Wait until `ready` has an answer; it is asked whenever the state has changed.
    async fn wait_for<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // Registered before looking, so that nothing said in between is missed.
            progress.as_mut().enable();
            if let Some(answer) = ready(&mut self.lock()) {
                return answer;
            }
            progress.await;
        }
    }

    /// Stop the statement if it still runs.
    fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        state.queue.clear();
        // Under the lock: once `finished` is set the connection may already run something else.
        if !state.finished {
            self.connection.stop();
        }
        drop(state);
        self.room.notify_all();
    }
}

/// Held by the thread that runs a statement, for as long as the statement has the connection.
pub(super) struct Claim<'a>(&'a Outlet);

impl Claim<'_> {
    /// Fail if the reader has gone before the statement began: an interrupt reaches only what runs.
    pub(super) fn proceed(&self) -> Result<(), EngineError> {
        if self.0.lock().cancelled {
            Err(EngineError::new("INTERRUPT", "Interrupted!"))
        } else {
            Ok(())
        }
    }

    /// Run a statement to its end, or until its reader is gone. Blocks.
    pub(super) fn run(self, mut stream: BatchStream) {
        for batch in &mut stream {
            let failed = batch.is_err();
            if !self.0.push(batch) || failed {
                break;
            }
        }
        // The statement ends before the claim does: only then is the connection free.
        drop(stream);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.lock().finished = true;
        self.0.progress.notify_waiters();
    }
}

/// The result of a statement as its reader sees it. Dropping it stops the statement.
pub struct Results {
    pub(super) outlet: Arc<Outlet>,
    pub(super) schema: SchemaRef,
}

impl Results {
    /// Schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next batch, in the statement's order; `None` after the last.
    ///
    /// # Errors
    /// What the statement failed with; it is then over.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, EngineError>> {
        self.outlet.pop().await
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.outlet.cancel();
    }
}
