//! The one Tokio runtime of the extension, and the one place where a DuckDB thread waits for it.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{MissedTickBehavior, interval};

use crate::error::{Error, Result};

/// How soon a cancelled statement is noticed.
const INTERRUPT_POLL: Duration = Duration::from_millis(20);
/// Connections are few and their work is moving bytes; DuckDB's own threads do the rest.
const WORKER_THREADS: usize = 2;

/// The runtime; started with its first use, and never stopped: DuckDB does not unload extensions.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("duckherder")
            .enable_all()
            .build()
            .expect("threads and an event queue can be had, or DuckDB itself could not run")
    })
}

/// Wait for `future` on a DuckDB thread, and give up as soon as `interrupted` says why.
///
/// # Errors
/// `Interrupted`, or whatever `future` fails with. A future that is given up is dropped, which cancels its call.
pub fn wait<T>(interrupted: &dyn Fn() -> Option<&'static str>, future: impl Future<Output = Result<T>>) -> Result<T> {
    runtime().block_on(async {
        tokio::pin!(future);
        let mut poll = interval(INTERRUPT_POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                outcome = &mut future => return outcome,
                _ = poll.tick() => if let Some(reason) = interrupted() {
                    return Err(Error::Interrupted(reason));
                },
            }
        }
    })
}
