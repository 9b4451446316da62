//! The one Tokio runtime of the extension, and the one place where a DuckDB thread waits for it.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::error::{Error, Result};

/// How soon a cancelled statement is noticed.
const INTERRUPT_POLL: Duration = Duration::from_millis(20);
/// How long the outcome of something that was interrupted is waited for.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// An interrupt that comes between two steps of the server is lost: it is sent until the outcome is there.
const STOP_INTERVAL: Duration = Duration::from_millis(50);
/// Connections are few and their work is moving bytes; DuckDB's own threads do the rest.
const WORKER_THREADS: usize = 2;

/// Says why what is waited for is to stop, if it is.
pub type Interrupted<'a> = dyn Fn() -> Option<&'static str> + 'a;

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
pub fn wait<T>(interrupted: &Interrupted<'_>, future: impl Future<Output = Result<T>>) -> Result<T> {
    runtime().block_on(async {
        tokio::select! {
            biased;
            outcome = future => outcome,
            reason = interruption(interrupted) => Err(Error::Interrupted(reason)),
        }
    })
}

/// Wait for `future`, which has lasting effects, so that giving it up would leave its outcome unknown: as soon as `interrupted`
/// says why, have it stopped by `stop`, and wait for what has become of it.
///
/// # Errors
/// `Interrupted` if it was stopped; what `unknown` makes if the outcome does not come in [`STOP_TIMEOUT`]; or whatever
/// `future` fails with.
pub fn wait_for_outcome<T>(
    interrupted: &Interrupted<'_>,
    future: impl Future<Output = Result<T>>,
    stop: impl AsyncFn(),
    unknown: impl FnOnce() -> Error,
) -> Result<T> {
    runtime().block_on(async {
        tokio::pin!(future);
        let reason = tokio::select! {
            biased;
            outcome = &mut future => return outcome,
            reason = interruption(interrupted) => reason,
        };
        let limit = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < limit {
            // To its end, or it would hit what the session runs next.
            let _ = timeout(STOP_TIMEOUT, stop()).await;
            if let Ok(outcome) = timeout(STOP_INTERVAL, &mut future).await {
                return outcome.map_err(|error| error.interrupted_by(reason));
            }
        }
        Err(unknown())
    })
}

async fn interruption(interrupted: &Interrupted<'_>) -> &'static str {
    let mut poll = interval(INTERRUPT_POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        poll.tick().await;
        if let Some(reason) = interrupted() {
            return reason;
        }
    }
}
