//! The duckling inside this process that users start to try things out: at most one, on loopback, with a database of its own
//! in memory or in a file, and workers if they want some.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use duckling_server::{ClusterConfig, Config, DatabaseConfig};
use futures::future::join_all;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::duckling::Duckling;
use crate::error::{Error, Result};
use crate::runtime::wait;

/// The path of a database in memory.
pub const IN_MEMORY: &str = ":memory:";
/// Each is a DuckDB of its own in this process.
pub const MAX_WORKERS: usize = 64;
/// What the folder of distributed tables is called behind the path of their database.
const STORAGE_SUFFIX: &str = ".tables";
/// How long workers may take to join.
const JOIN_TIMEOUT: Duration = Duration::from_secs(20);
const JOIN_POLL: Duration = Duration::from_millis(5);
/// What one DuckDB takes of the machine's memory if nothing is said, in percent.
const MEMORY_PERCENT: usize = 80;
/// The files that this process has open, one link each.
const OPEN_FILES: &str = "/dev/fd";

struct LocalServer {
    driver: Duckling,
    workers: Vec<Duckling>,
    _storage: Option<Storage>,
}

/// Folder of the files of distributed tables.
enum Storage {
    /// Goes with the server, as its tables do.
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Storage {
    /// One that lasts as long as the database whose tables it has.
    fn beside(databases: &[DatabaseConfig]) -> Result<Self> {
        match databases.iter().find_map(|database| database.path.as_ref()) {
            Some(path) => {
                let mut folder = path.clone().into_os_string();
                folder.push(STORAGE_SUFFIX);
                Ok(Self::Kept(folder.into()))
            }
            None => tempfile::Builder::new()
                .prefix("duckherder-tables-")
                .tempdir()
                .map(Self::Temporary)
                .map_err(|error| Error::LocalServer(format!("Cannot make a folder for distributed tables: {error}"))),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

static RUNNING: Mutex<Option<LocalServer>> = Mutex::new(None);

/// Start the local server on a database file, or on [`IN_MEMORY`], and its workers. It accepts connections, and has all its
/// workers, when this returns.
///
/// # Errors
/// `LocalServer` if one is running already, the port is not free, or the database cannot be opened.
pub fn start(port: u16, path: &str, workers: usize) -> Result<()> {
    let mut running = lock();
    if let Some(server) = running.as_ref().filter(|server| !server.driver.is_over()) {
        return Err(Error::LocalServer(format!(
            "A local server is already running on port {}: stop it first with SELECT duckherder_stop_local_server()",
            server.driver.port()
        )));
    }
    let databases = databases(path)?;
    let server = wait(&|| None, LocalServer::start(port, databases, workers))?;
    *running = Some(server);
    Ok(())
}

/// Stop the local server and its workers: what it has in a file is written there, what it has in memory is gone.
///
/// # Errors
/// `LocalServer` if none is running, or its file cannot be written.
pub fn stop() -> Result<()> {
    let Some(server) = lock().take() else {
        return Err(Error::LocalServer(
            "No local server is running: start one with SELECT duckherder_start_local_server(8815)".to_string(),
        ));
    };
    wait(&|| None, server.stop())
}

impl LocalServer {
    async fn start(port: u16, databases: Vec<DatabaseConfig>, workers: usize) -> Result<Self> {
        // Together they take of the machine what one server alone takes.
        let share = Config {
            memory_limit: (workers > 0).then(|| format!("{}%", MEMORY_PERCENT / (workers + 1))),
            ..Config::default()
        };
        let threads = available_parallelism().map_or(1, usize::from) / workers.max(1);
        let storage = if workers > 0 {
            Some(Storage::beside(&databases)?)
        } else {
            None
        };
        let driver = Config {
            databases,
            storage: storage.as_ref().map(|storage| storage.path().to_path_buf().into()),
            distributed_by_default: storage.is_some(),
            ..share.clone()
        };
        let mut server = Self {
            driver: Duckling::start("a local server", port, driver).await?,
            workers: Vec::new(),
            _storage: storage,
        };
        let joined = async {
            for number in 1..=workers {
                let cluster = ClusterConfig {
                    join: Some(format!("127.0.0.1:{port}")),
                    worker_id: Some(format!("local-{number}")),
                    ..ClusterConfig::default()
                };
                let worker = Config {
                    cluster,
                    threads: Some(threads.max(1)),
                    ..share.clone()
                };
                server.workers.push(Duckling::start("a worker", 0, worker).await?);
            }
            server.until_joined(workers).await
        };
        match joined.await {
            Ok(()) => Ok(server),
            // Why a worker has ended says more than that it did not join.
            Err(error) => Err(server.stop().await.err().unwrap_or(error)),
        }
    }

    async fn until_joined(&self, workers: usize) -> Result<()> {
        let limit = Instant::now() + JOIN_TIMEOUT;
        while self.driver.cluster().workers().len() < workers {
            if Instant::now() > limit || self.workers.iter().any(Duckling::is_over) {
                return Err(Error::LocalServer(
                    "Cannot start a local server: not all of its workers have joined it".to_string(),
                ));
            }
            sleep(JOIN_POLL).await;
        }
        Ok(())
    }

    /// The driver first: its statements may still need the workers.
    async fn stop(self) -> Result<()> {
        let driver = self.driver.stop().await;
        let workers = join_all(self.workers.into_iter().map(Duckling::stop)).await;
        workers.into_iter().fold(driver, Result::and)
    }
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

fn lock() -> MutexGuard<'static, Option<LocalServer>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
