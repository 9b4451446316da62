//! How many tasks a worker runs, and has run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The tasks of one worker, of whatever query.
#[derive(Debug, Default)]
pub struct TaskCounters {
    pub running: AtomicU64,
    /// Whatever became of them.
    pub done: AtomicU64,
}

/// Counts one task for as long as it lives.
pub(super) struct RunningTask(Arc<TaskCounters>);

impl RunningTask {
    pub(super) fn start(counters: &Arc<TaskCounters>) -> Self {
        counters.running.fetch_add(1, Ordering::Relaxed);
        Self(counters.clone())
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}
