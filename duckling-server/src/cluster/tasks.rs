//! How much a worker does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the tasks that a worker runs for its driver.
#[derive(Debug, Default)]
pub struct TaskCounters {
    running: AtomicU64,
    done: AtomicU64,
}

impl TaskCounters {
    /// A task begins; it is done, well or not, when the value is dropped.
    pub fn start(self: &Arc<Self>) -> RunningTask {
        self.running.fetch_add(1, Ordering::Relaxed);
        RunningTask(self.clone())
    }

    /// Tasks that have begun and are not done.
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// Tasks that are done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// A task that is counted as running.
#[derive(Debug)]
pub struct RunningTask(Arc<TaskCounters>);

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_running_until_it_is_dropped() {
        let tasks = Arc::<TaskCounters>::default();
        let (one, two) = (tasks.start(), tasks.start());
        assert_eq!((tasks.running(), tasks.done()), (2, 0));
        drop(one);
        assert_eq!((tasks.running(), tasks.done()), (1, 1));
        drop(two);
        assert_eq!((tasks.running(), tasks.done()), (0, 2));
    }
}
