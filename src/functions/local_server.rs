//! The duckling inside this process: at most one, on loopback, with a database of its own in memory or in a file.

use std::error::Error as StdError;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duckling_server::{Config, DatabaseConfig, Server, ServerError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::runtime::{runtime, wait};

/// The path of a database in memory.
pub const IN_MEMORY: &str = ":memory:";
/// How long running statements may take to end when the server is stopped.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// The files that this process has open, one link each.
const OPEN_FILES: &str = "/dev/fd";

struct LocalServer {
    port: u16,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::result::Result<(), ServerError>>,
}

static RUNNING: Mutex<Option<LocalServer>> = Mutex::new(None);

/// Start the local server on a database file, or on [`IN_MEMORY`]. It accepts connections when this returns.
///
/// # Errors
/// `LocalServer` if one is running already, the port is not free, or the database cannot be opened.
pub fn start(port: u16, path: &str) -> Result<()> {
    let mut running = lock();
    if let Some(server) = running.as_ref().filter(|server| !server.task.is_finished()) {
        return Err(Error::LocalServer(format!(
            "A local server is already running on port {}: stop it first with SELECT duckherder_stop_local_server()",
            server.port
        )));
    }
    let config = Config {
        databases: databases(path)?,
        drain_timeout: DRAIN_TIMEOUT,
        ..Config::default()
    };
    let (listener, server) = wait(&|| None, async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| cannot_listen(port, &error))?;
        let server = Server::open(config)
            .await
            .map_err(|error| Error::LocalServer(format!("Cannot start a local server: {}", with_causes(&error))))?;
        Ok((listener, server))
    })?;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        // A dropped sender stops the server as well.
        let _ = stopped.await;
    };
    let task = runtime().spawn(server.serve(listener, stopped, std::future::pending()));
    *running = Some(LocalServer { port, stop, task });
    Ok(())
}

/// Stop the local server: what it has in a file is written there, what it has in memory is gone.
///
/// # Errors
/// `LocalServer` if none is running, or its file cannot be written.
pub fn stop() -> Result<()> {
    let Some(server) = lock().take() else {
        return Err(Error::LocalServer(
            "No local server is running: start one with SELECT duckherder_start_local_server(8815)".to_string(),
        ));
    };
    // Whether it is still there to be told or not, it is gone afterwards.
    let _ = server.stop.send(());
    wait(&|| None, async move {
        match server.task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::LocalServer(with_causes(&error))),
            Err(error) => Err(Error::LocalServer(format!("The local server failed: {error}"))),
        }
    })
}

fn databases(path: &str) -> Result<Vec<DatabaseConfig>> {
    if path.is_empty() || path == IN_MEMORY {
        return Ok(Vec::new());
    }
    if is_open_here(path) {
        // Locks are held by processes: a second DuckDB in this one would not notice the first, and ruin the file.
        return Err(Error::LocalServer(format!(
            "Cannot start a local server on \"{path}\": this process has the file open already. DETACH it first, or close \
             what has it open"
        )));
    }
    let database = DatabaseConfig::from_path(path).map_err(|error| Error::LocalServer(error.to_string()))?;
    Ok(vec![database])
}

/// True if a file is open in this process, by any DuckDB or anything else; false where that cannot be known.
fn is_open_here(path: &str) -> bool {
    let (Ok(file), Ok(open_files)) = (fs::metadata(path), fs::read_dir(OPEN_FILES)) else {
        return false;
    };
    open_files
        .flatten()
        .filter_map(|entry| fs::metadata(entry.path()).ok())
        .any(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()))
}

fn cannot_listen(port: u16, error: &io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use: choose another one, or stop what listens on it".to_string(),
        _ => error.to_string(),
    };
    Error::LocalServer(format!("Cannot start a local server on port {port}: {reason}"))
}

fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn lock() -> MutexGuard<'static, Option<LocalServer>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
