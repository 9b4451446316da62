//! The duckling inside this process: at most one, on loopback, with an in-memory database of its own.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duckling_server::{Config, ServerError, run};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::runtime::{runtime, wait};

/// How long running statements may take to end when the server is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

struct LocalServer {
    port: u16,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::result::Result<(), ServerError>>,
}

static RUNNING: Mutex<Option<LocalServer>> = Mutex::new(None);

/// Start the local server. It accepts connections when this returns.
///
/// # Errors
/// `LocalServer` if one is running already, or the port is not free.
pub fn start(port: u16) -> Result<()> {
    let mut running = lock();
    if let Some(server) = running.as_ref().filter(|server| !server.task.is_finished()) {
        return Err(Error::LocalServer(format!(
            "A local server is already running on port {}: stop it first with SELECT duckherder_stop_local_server()",
            server.port
        )));
    }
    let listener = wait(&|| false, async move {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| cannot_listen(port, &error))
    })?;
    let (stop, stopped) = oneshot::channel::<()>();
    let task = runtime().spawn(run(listener, Config::default(), async {
        // A dropped sender stops the server as well.
        let _ = stopped.await;
    }));
    *running = Some(LocalServer { port, stop, task });
    Ok(())
}

/// Stop the local server; its database is gone.
///
/// # Errors
/// `LocalServer` if none is running.
pub fn stop() -> Result<()> {
    let Some(server) = lock().take() else {
        return Err(Error::LocalServer(
            "No local server is running: start one with SELECT duckherder_start_local_server(8815)".to_string(),
        ));
    };
    // Whether it is still there to be told or not, it is gone afterwards.
    let _ = server.stop.send(());
    let abort = server.task.abort_handle();
    wait(&|| false, async move {
        if timeout(STOP_TIMEOUT, server.task).await.is_err() {
            abort.abort();
        }
        Ok(())
    })
}

fn cannot_listen(port: u16, error: &io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use: choose another one, or stop what listens on it".to_string(),
        _ => error.to_string(),
    };
    Error::LocalServer(format!("Cannot start a local server on port {port}: {reason}"))
}

fn lock() -> MutexGuard<'static, Option<LocalServer>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
