//! The queue between the thread that runs a statement and the task that sends its result.
//!
//! A statement whose reader is slow is parked: it keeps the connection, but no thread. When another statement wants the
//! connection, the rest of the first result is taken in, to memory first and then to disk, and both go on.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::connection::Connection;
use super::error::EngineError;
use super::history::{Entry, Recording, SentBytes};
use super::off_runtime::drop_off_runtime;
use super::spill::{SpillFile, SpilledBatch};

/// How much a result may run ahead of its reader, in bytes of Arrow buffers.
const MAX_QUEUED_BYTES: usize = 8 << 20;
/// A parked statement goes on when the reader has left no more than this.
const RESUME_BYTES: usize = MAX_QUEUED_BYTES / 2;
/// How much of a result that another statement pushes aside stays in memory; the rest goes to disk.
const MAX_ASIDE_BYTES: usize = 64 << 20;

/// The batches of a running statement; dropping it ends the statement.
pub(super) type Source = Box<dyn Iterator<Item = Result<RecordBatch, EngineError>> + Send>;

enum Item {
    Batch(RecordBatch, usize),
    Spilled(SpilledBatch),
    Failure(EngineError),
}

enum Producer {
    /// A thread runs the statement, or is about to.
    Running,
    /// The reader is behind: the statement waits, without a thread.
    Parked(Source),
    /// The connection is free.
    Finished,
}

struct State {
    queue: VecDeque<Item>,
    queued_bytes: usize,
    producer: Producer,
    /// The reader is gone.
    cancelled: bool,
    /// The statement is to fail if it can.
    interrupted: bool,
    /// Another statement waits for the connection: take all the rest in.
    unbounded: bool,
}

pub(super) struct Outlet {
    state: Mutex<State>,
    /// Signals the reader, and whoever waits for the connection.
    progress: Notify,
    connection: Arc<Connection>,
    spill_folder: PathBuf,
    /// Statements of the session that DuckDB works on now.
    working: Arc<AtomicUsize>,
    /// The record of the statement.
    entry: Arc<Entry>,
}

/// What becomes of the thread that has produced a batch.
enum Next {
    Produce,
    Park,
    Stop,
}

impl Outlet {
    pub(super) fn new(
        connection: Arc<Connection>,
        spill_folder: PathBuf,
        working: Arc<AtomicUsize>,
        entry: Arc<Entry>,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                queued_bytes: 0,
                producer: Producer::Running,
                cancelled: false,
                interrupted: false,
                unbounded: false,
            }),
            progress: Notify::new(),
            connection,
            spill_folder,
            working,
            entry,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hold the connection for one statement; dropping the claim frees it.
    pub(super) fn claim(self: &Arc<Self>) -> Claim {
        self.working.fetch_add(1, Ordering::Relaxed);
        Claim {
            outlet: self.clone(),
            parked: false,
        }
    }

    fn push(&self, batch: Result<RecordBatch, EngineError>, spill: &mut SpillFile) -> Next {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                self.enqueue(Item::Failure(error), 0);
                return Next::Stop;
            }
        };
        let aside = {
            let state = self.lock();
            state.unbounded && (!spill.is_empty() || state.queued_bytes >= MAX_ASIDE_BYTES)
        };
        if aside {
            return match spill.write(&batch) {
                Ok(spilled) => {
                    self.entry.spill(spilled.bytes as u64);
                    self.enqueue(Item::Spilled(spilled), 0)
                }
                Err(error) => {
                    self.enqueue(Item::Failure(error), 0);
                    Next::Stop
                }
            };
        }
        let bytes = batch.get_array_memory_size();
        self.enqueue(Item::Batch(batch, bytes), bytes)
    }

    fn enqueue(&self, item: Item, bytes: usize) -> Next {
        let mut state = self.lock();
        if state.cancelled {
            return Next::Stop;
        }
        state.queued_bytes += bytes;
        state.queue.push_back(item);
        let next = if state.queued_bytes >= MAX_QUEUED_BYTES && !state.unbounded {
            Next::Park
        } else {
            Next::Produce
        };
        drop(state);
        self.progress.notify_waiters();
        next
    }

    async fn pop(self: &Arc<Self>) -> Option<Result<RecordBatch, EngineError>> {
        let item = self
            .wait_for(|state| match state.queue.pop_front() {
                Some(item) => {
                    if let Item::Batch(_, bytes) = &item {
                        state.queued_bytes -= bytes;
                    }
                    Some(Some(item))
                }
                None => matches!(state.producer, Producer::Finished).then_some(None),
            })
            .await?;
        self.resume_if(|state| state.queued_bytes <= RESUME_BYTES);
        match item {
            Item::Batch(batch, _) => Some(Ok(batch)),
            Item::Failure(error) => Some(Err(error)),
            Item::Spilled(spilled) => {
                let batch = spawn_blocking(move || spilled.read()).await;
                Some(batch.unwrap_or_else(|_| Err(EngineError::lost("statement"))))
            }
        }
    }

    /// Wait until the connection is free, without losing rows that the reader has not taken yet.
    pub(super) async fn release_connection(self: &Arc<Self>) {
        self.lock().unbounded = true;
        self.resume_if(|_| true);
        self.wait_for(|state| matches!(state.producer, Producer::Finished).then_some(()))
            .await;
    }

    /// Let a parked statement go on, on a thread of its own.
    fn resume_if(self: &Arc<Self>, ready: impl FnOnce(&State) -> bool) {
        let mut state = self.lock();
        if !matches!(state.producer, Producer::Parked(_)) || !ready(&state) {
            return;
        }
        if let Producer::Parked(source) = std::mem::replace(&mut state.producer, Producer::Running) {
            let claim = self.claim();
            spawn_blocking(move || claim.run(source));
        }
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

    /// Stop the statement. Rows that were not read are gone, and an error stands in their place: to whoever still reads,
    /// what came so far must not look complete. False if there is nothing left to stop.
    pub(super) fn cancel(self: &Arc<Self>) -> bool {
        let mut state = self.lock();
        let is_read = matches!(state.producer, Producer::Finished) && state.queue.is_empty();
        if state.cancelled || is_read {
            return false;
        }
        state.cancelled = true;
        self.entry.cancel();
        state.queue.clear();
        state.queue.push_back(Item::Failure(EngineError::interrupted()));
        state.queued_bytes = 0;
        match std::mem::replace(&mut state.producer, Producer::Running) {
            // Under the lock: once it has finished the connection may already run something else.
            Producer::Running => self.connection.stop(),
            Producer::Parked(source) => {
                let claim = self.claim();
                drop(state);
                drop_off_runtime((source, claim));
            }
            Producer::Finished => state.producer = Producer::Finished,
        }
        self.progress.notify_waiters();
        true
    }

    /// Have the statement fail, unless its effects have come about: other than after [`Outlet::cancel`], the reader learns
    /// which.
    pub(super) fn interrupt(&self) {
        let mut state = self.lock();
        state.interrupted = true;
        // Under the lock: as above.
        if matches!(state.producer, Producer::Running) {
            self.connection.interrupt();
        }
    }
}

/// Held by the thread that runs a statement, for as long as the statement has the connection.
pub(super) struct Claim {
    outlet: Arc<Outlet>,
    parked: bool,
}

impl Claim {
    /// Fail if the reader has gone or given up before the statement began: an interrupt reaches only what runs.
    pub(super) fn proceed(&self) -> Result<(), EngineError> {
        let state = self.outlet.lock();
        if state.cancelled || state.interrupted {
            Err(EngineError::interrupted())
        } else {
            Ok(())
        }
    }

    /// Run a statement to its end, until its reader is gone, or until the reader is behind. Blocks.
    pub(super) fn run(mut self, mut source: Source) {
        let mut spill = SpillFile::new(self.outlet.spill_folder.clone());
        loop {
            let Some(batch) = source.next() else {
                // Before the reader learns of it.
                self.outlet.entry.produce_end();
                break;
            };
            if let Ok(batch) = &batch {
                self.outlet.entry.produce(batch);
            }
            match self.outlet.push(batch, &mut spill) {
                Next::Produce => {}
                Next::Stop => break,
                Next::Park => match self.park(source) {
                    Some(kept) => source = kept,
                    None => return,
                },
            }
        }
        // The statement ends before the claim does: only then is the connection free.
        drop(source);
    }

    /// Leave the statement to whoever takes from the queue; it comes back if there is no need to wait any more.
    fn park(&mut self, source: Source) -> Option<Source> {
        let mut state = self.outlet.lock();
        if state.cancelled || state.unbounded || state.queued_bytes <= RESUME_BYTES {
            return Some(source);
        }
        state.producer = Producer::Parked(source);
        self.parked = true;
        None
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.outlet.working.fetch_sub(1, Ordering::Relaxed);
        if !self.parked {
            self.outlet.entry.end_work();
            self.outlet.lock().producer = Producer::Finished;
            self.outlet.progress.notify_waiters();
        }
    }
}

/// The result of a statement as its reader sees it. Dropping it stops the statement.
pub struct Results {
    pub(super) outlet: Arc<Outlet>,
    pub(super) schema: SchemaRef,
    /// Absent where the reader does not decide what becomes of the statement.
    pub(super) recording: Option<Arc<Recording>>,
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
        let next = self.outlet.pop().await;
        if let Some(recording) = &self.recording {
            recording.see(next.as_ref());
        }
        next
    }

    /// What counts the messages that are sent of it.
    pub fn sent_bytes(&self) -> Option<SentBytes> {
        self.recording.as_deref().map(SentBytes::of)
    }

    /// What stops the statement from elsewhere.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::downgrade(&self.outlet))
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.outlet.cancel();
    }
}

/// Stops one statement, and no later one of its connection.
#[derive(Clone)]
pub struct Canceller(Weak<Outlet>);

impl Canceller {
    /// Stop the statement: its reader gets the error of an interrupted one. False if it is over already.
    pub fn cancel(&self) -> bool {
        self.0.upgrade().is_some_and(|outlet| outlet.cancel())
    }
}
