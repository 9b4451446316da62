//! The time limit of a run. When it is over, every connection is interrupted, again and again, until the run ends; a
//! run that does not end within the grace period ends its process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::database::Interrupts;

/// How long a run may take to notice that its time is over.
pub const GRACE: Duration = Duration::from_secs(10);

/// How often a run that goes on is interrupted again, because it may have begun another query.
const INTERRUPT_EVERY: Duration = Duration::from_millis(100);

/// A running clock.
#[derive(Clone)]
pub struct Deadline(Arc<Clock>);

struct Clock {
    limit: Duration,
    over: AtomicBool,
    finished: Mutex<bool>,
    wake: Condvar,
}

impl Deadline {
    /// Starts the clock; `give_up` is called when the run hangs, and is to end the process.
    pub fn start(limit: Duration, interrupts: Interrupts, give_up: impl FnOnce() + Send + 'static) -> Self {
        let clock = Clock {
            limit,
            over: AtomicBool::new(false),
            finished: Mutex::new(false),
            wake: Condvar::new(),
        };
        let deadline = Self(Arc::new(clock));
        let watched = deadline.clone();
        thread::spawn(move || {
            if watched.finished_within(limit) {
                return;
            }
            watched.0.over.store(true, Ordering::SeqCst);
            watched.0.wake.notify_all();
            let end = Instant::now() + GRACE;
            while Instant::now() < end {
                interrupts.interrupt_all();
                if watched.finished_within(INTERRUPT_EVERY) {
                    return;
                }
            }
            give_up();
        });
        deadline
    }

    /// Stops the clock.
    pub fn finish(&self) {
        *self.0.finished.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.wake.notify_all();
    }

    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::SeqCst)
    }

    pub fn limit_secs(&self) -> u64 {
        self.0.limit.as_secs()
    }

    /// Sleeps, but not beyond the limit.
    pub fn sleep(&self, duration: Duration) {
        let end = Instant::now() + duration;
        while let Some(rest) = end
            .checked_duration_since(Instant::now())
            .filter(|rest| !rest.is_zero())
        {
            if self.is_over() {
                return;
            }
            thread::sleep(rest.min(INTERRUPT_EVERY));
        }
    }

    fn finished_within(&self, duration: Duration) -> bool {
        let finished = self.0.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self
            .0
            .wake
            .wait_timeout_while(finished, duration, |finished| !*finished);
        *wait.unwrap_or_else(PoisonError::into_inner).0
    }
}
