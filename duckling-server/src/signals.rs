//! SIGTERM and SIGINT: the first asks the server to stop, the second to hurry.

use std::future::{Future, pending};
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Counts the signals that arrive.
pub struct Signals {
    count: watch::Receiver<u64>,
}

impl Signals {
    /// From now on, signals are counted and do not end the process.
    ///
    /// # Errors
    /// The operating system's.
    pub fn handle() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (counter, count) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                tracing::info!(signal = name, "stopping");
                counter.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { count })
    }

    /// Resolves at the first signal.
    pub fn first(&self) -> impl Future<Output = ()> + Send + use<> {
        self.at_least(1)
    }

    /// Resolves at the second signal.
    pub fn second(&self) -> impl Future<Output = ()> + Send + use<> {
        self.at_least(2)
    }

    fn at_least(&self, number: u64) -> impl Future<Output = ()> + Send + use<> {
        let mut count = self.count.clone();
        async move {
            // The counting task lives as long as the runtime.
            if count.wait_for(|count| *count >= number).await.is_err() {
                pending::<()>().await;
            }
        }
    }
}
