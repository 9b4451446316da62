//! What has arrived at a task of one of its inputs, and was not read yet: in memory, and beyond that on disk.
//!
//! Arriving rows never wait for the task: else tasks that read their inputs in different orders would wait for each other.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchReader;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::errors;
use super::reports::{Measures, size_of_rows};
use crate::engine::{EngineError, SpillFile, SpilledBatch};

/// How much of an input waits in memory, in bytes of Arrow buffers.
const MAX_MEMORY_BYTES: usize = 64 << 20;

pub(super) struct Inbox {
    schema: SchemaRef,
    state: Mutex<State>,
    /// Signals the task's thread,
    arrived: Condvar,
    /// and whoever waits for the first rows.
    begun: Notify,
    spill: Mutex<SpillFile>,
    /// Of the task.
    measures: Arc<Measures>,
}

struct State {
    queue: VecDeque<Item>,
    memory_bytes: usize,
    /// Streams that may still bring rows.
    open_streams: usize,
    failure: Option<EngineError>,
    /// The task reads no more.
    closed: bool,
}

enum Item {
    Batch(RecordBatch, usize),
    Spilled(SpilledBatch),
}

impl Inbox {
    /// An inbox that `stream_count` streams bring rows of `schema` to.
    pub(super) fn new(
        schema: SchemaRef,
        stream_count: usize,
        spill_folder: PathBuf,
        measures: Arc<Measures>,
    ) -> Arc<Self> {
        Arc::new(Self {
            schema,
            state: Mutex::new(State {
                queue: VecDeque::new(),
                memory_bytes: 0,
                open_streams: stream_count,
                failure: None,
                closed: false,
            }),
            arrived: Condvar::new(),
            begun: Notify::new(),
            spill: Mutex::new(SpillFile::new(spill_folder)),
            measures,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spill(&self) -> MutexGuard<'_, SpillFile> {
        self.spill.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Change the state, and tell everybody.
    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.arrived.notify_all();
        self.begun.notify_waiters();
    }

    /// Take in all rows of a stream.
    pub(super) async fn fill(self: Arc<Self>, mut stream: SendableRecordBatchStream) {
        let filling = Filling(&self);
        while let Some(batch) = stream.next().await {
            let taken = match batch {
                Ok(batch) => self.push(batch).await,
                Err(error) => Err(errors::decode(&error)),
            };
            match taken {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.update(|state| {
                        state.failure.get_or_insert(error);
                    });
                    break;
                }
            }
        }
        filling.end();
    }

    /// Take in a batch; false if nobody reads any more.
    async fn push(self: &Arc<Self>, batch: RecordBatch) -> Result<bool, EngineError> {
        let bytes = size_of_rows(&batch);
        self.measures.receive(batch.num_rows(), bytes);
        let fits = {
            let state = self.lock();
            if state.closed {
                return Ok(false);
            }
            state.memory_bytes + bytes <= MAX_MEMORY_BYTES
        };
        let item = if fits {
            Item::Batch(batch, bytes)
        } else {
            let inbox = self.clone();
            let spilled = spawn_blocking(move || inbox.spill().write(&batch)).await;
            Item::Spilled(spilled.map_err(|_| EngineError::new("IO", "cannot spill the rows of an input"))??)
        };
        self.update(|state| {
            if let Item::Batch(_, bytes) = item {
                state.memory_bytes += bytes;
            }
            state.queue.push_back(item);
        });
        Ok(true)
    }

    /// Wait until there is something to read, be it the end.
    pub(super) async fn begun(&self) {
        loop {
            let begun = self.begun.notified();
            tokio::pin!(begun);
            // Registered before looking, so that nothing said in between is missed.
            begun.as_mut().enable();
            {
                let state = self.lock();
                if !state.queue.is_empty() || state.open_streams == 0 || state.failure.is_some() || state.closed {
                    return;
                }
            }
            begun.await;
        }
    }

    /// What the input has failed with.
    pub(super) fn failure(&self) -> Option<EngineError> {
        self.lock().failure.clone()
    }

    /// The task reads no more: let go of the rows, and wake its thread.
    pub(super) fn close(&self) {
        self.update(|state| {
            state.closed = true;
            state.queue.clear();
            state.memory_bytes = 0;
        });
        // Whoever writes to it just now is the last one.
        if let Ok(mut spill) = self.spill.try_lock() {
            spill.clear();
        }
    }

    fn next(&self) -> Option<Result<RecordBatch, EngineError>> {
        let mut state = self.lock();
        let spilled = loop {
            if state.closed {
                return Some(Err(EngineError::new(EngineError::INTERRUPT, "Interrupted!")));
            }
            if let Some(error) = &state.failure {
                return Some(Err(error.clone()));
            }
            match state.queue.pop_front() {
                Some(Item::Batch(batch, bytes)) => {
                    state.memory_bytes -= bytes;
                    return Some(Ok(batch));
                }
                Some(Item::Spilled(spilled)) => break spilled,
                None if state.open_streams == 0 => return None,
                None => state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(state);
        Some(spilled.read())
    }
}

/// A stream that is being taken in. If it goes without having said that it ended, rows are missing.
struct Filling<'a>(&'a Inbox);

impl Filling<'_> {
    fn end(self) {
        self.0.update(|state| state.open_streams -= 1);
        std::mem::forget(self);
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        self.0.update(|state| {
            state
                .failure
                .get_or_insert_with(|| EngineError::new("IO", "the rows of an input did not arrive"));
        });
    }
}

/// Reads an inbox as it fills. Blocks.
pub(super) struct InboxReader(pub(super) Arc<Inbox>);

impl Iterator for InboxReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.0.next()?;
        Some(next.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for InboxReader {
    fn schema(&self) -> SchemaRef {
        self.0.schema.clone()
    }
}
