//! A server from the opening of its databases to their closing.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{interval, sleep, timeout};

use crate::cluster::execution::{Feeds, TaskHost, WorkerChannels, worker};
use crate::cluster::{Cluster, ClusterError, ClusterQueries};
use crate::config::{Config, ConfigError, DatabaseConfig};
use crate::engine::{Database, EngineError, has_icu};
use crate::flight::{self, Calls, Limits};
use crate::table_care::look_after;

/// How often statements are interrupted that outlived the drain: a session may begin its next one.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(50);
/// How long interrupted statements may take to end, and to tell their clients.
const INTERRUPT_PATIENCE: Duration = Duration::from_secs(2);
/// How long last answers may take to leave, and clients to close their connections.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long connections that were cut may take to be gone, and clients to read what was sent before.
const CUT_PATIENCE: Duration = Duration::from_secs(2).saturating_add(flight::LINGER);
/// How long DuckDB's connections may take to close: rolling back a large transaction takes its time.
const CLOSE_PATIENCE: Duration = Duration::from_secs(20);

/// Why a server could not start, or not end well.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot start DuckDB")]
    Instance(#[source] EngineError),
    #[error("cannot have distributed tables")]
    Storage(#[source] EngineError),
    #[error("cannot open database \"{name}\"{}", at(path.as_ref()))]
    Database {
        name: String,
        path: Option<PathBuf>,
        #[source]
        source: EngineError,
    },
    #[error("the gRPC server stopped")]
    Transport(#[from] tonic::transport::Error),
    #[error("the databases were not closed well; what was committed is in their write-ahead logs")]
    Close(#[source] EngineError),
    /// The driver that it was started for does not take it.
    #[error(transparent)]
    Join(ClusterError),
    #[error("cannot tell where the listener listens")]
    Listener(#[source] io::Error),
    #[error("a blocking call did not finish")]
    Lost(#[from] JoinError),
}

fn at(path: Option<&PathBuf>) -> String {
    path.map(|path| format!(" ({})", path.display())).unwrap_or_default()
}

/// Open databases, ready to be served.
pub struct Server {
    config: Config,
    instance: Database,
    databases: Vec<DatabaseConfig>,
    default_database: String,
    cluster: Arc<Cluster>,
}

impl Server {
    /// Open the databases: their files are created, or recovered, and locked.
    ///
    /// # Errors
    /// If the configuration makes no sense, or a database cannot be opened.
    pub async fn open(config: Config) -> Result<Self, ServerError> {
        spawn_blocking(move || Self::open_blocking(config)).await?
    }

    fn open_blocking(config: Config) -> Result<Self, ServerError> {
        let (databases, default_database) = config.resolve_databases()?;
        if config.distributed_by_default && config.storage.is_none() {
            return Err(ConfigError::NoStorage.into());
        }
        if !has_icu() {
            tracing::warn!(
                "built without ICU: TIMESTAMPTZ works in UTC only and without arithmetic, and there are no collations by \
                 language"
            );
        }
        let instance = Database::open(&config.duckdb_settings()?).map_err(ServerError::Instance)?;
        if let Some(storage) = &config.storage {
            instance
                .store_tables_in(storage, config.distributed_by_default)
                .map_err(ServerError::Storage)?;
        }
        for database in &databases {
            instance
                .attach(&database.name, database.path.as_deref(), database.read_only)
                .map_err(|source| ServerError::Database {
                    name: database.name.clone(),
                    path: database.path.clone(),
                    source,
                })?;
            if config.storage.is_some() && !database.read_only {
                instance.list_files_of(&database.name).map_err(ServerError::Storage)?;
            }
            tracing::info!(
                database = database.name,
                path = database.path.as_ref().map(|path| path.display().to_string()),
                read_only = database.read_only,
                "opened"
            );
        }
        instance.set_default(&default_database).map_err(ServerError::Instance)?;
        Ok(Self {
            cluster: Cluster::new(config.cluster.clone(), instance.clone()),
            config,
            instance,
            databases,
            default_database,
        })
    }

    /// Its part in a cluster.
    pub fn cluster(&self) -> Arc<Cluster> {
        self.cluster.clone()
    }

    /// Serve Flight SQL, and the tasks of a driver, on `listener` until `stop` resolves, then drain and close.
    ///
    /// A server that was started for a driver which refuses it stops by itself.
    ///
    /// Draining: it leaves its driver; the listener closes; running statements may end, for at most the drain timeout or until `hurry`
    /// resolves; what still runs then is interrupted, and open transactions are rolled back. Clients that are idle or
    /// do not read their results are not waited for. Closing: every file is checkpointed and let go of.
    ///
    /// # Errors
    /// If a database could not be closed well; `Join` if the driver refused it.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
        hurry: impl Future<Output = ()> + Send,
    ) -> Result<(), ServerError> {
        let Self {
            config,
            instance,
            databases,
            default_database,
            cluster,
        } = self;
        cluster.listens_on(listener.local_addr().map_err(ServerError::Listener)?);
        let feeds = Arc::<Feeds>::default();
        let spill_folder = config.spill_folder();
        let distributed = ClusterQueries::new(&cluster, Handle::current(), feeds.clone(), spill_folder.clone());
        instance
            .distribute_by(Arc::new(distributed))
            .map_err(ServerError::Instance)?;
        let calls = Calls::default();
        let limits = Limits {
            max_sessions: config.max_sessions,
            idle_timeout: config.session_idle_timeout,
            disconnect_timeout: config.disconnect_timeout,
            statement_timeout: config.statement_timeout,
            spill_folder: spill_folder.clone(),
            query_history: config.query_history,
        };
        let care = config
            .storage
            .clone()
            .filter(|_| !config.table_care_interval.is_zero())
            .map(|storage| {
                let care = look_after(instance.clone(), storage, databases.clone(), config.table_care_interval);
                tokio::spawn(care)
            });
        let databases = databases.into_iter().map(|database| database.name).collect();
        let service = flight::Service::new(instance.clone(), default_database, databases, limits, cluster.clone());
        let sessions = service.sessions();
        let queries = cluster.queries().clone();
        let served = Arc::downgrade(&cluster);
        let tasks = worker(TaskHost {
            database: instance.clone(),
            counters: cluster.tasks().clone(),
            queries: queries.clone(),
            spill_folder,
            feeds,
            channels: WorkerChannels::new(Arc::new(move || served.upgrade()?.driver_address())),
        });
        let (connections, cut) = flight::accept(listener);
        let (stopping, stopped) = oneshot::channel();
        let (refusing, refused) = oneshot::channel();
        let served = {
            let router =
                flight::router(service, &calls).add_service(calls.track(queries.watch(tasks.into_worker_server())));
            let serving = router.serve_with_incoming_shutdown(connections, async move {
                tokio::select! {
                    () = stop => {}
                    error = cluster.clone().keep_joined() => {
                        // Whoever waits for the server to end reads it.
                        let _ = refusing.send(error);
                    }
                }
                tokio::join!(cluster.leave(), cluster.release_workers());
                // Nobody listens if serving has failed.
                let _ = stopping.send(());
            });
            tokio::pin!(serving);
            let drained = async {
                if stopped.await.is_ok() {
                    drain(&calls, &instance, config.drain_timeout, hurry).await;
                    sleep(FAREWELL).await;
                }
            };
            tokio::select! {
                served = &mut serving => served,
                () = drained => {
                    drop(cut);
                    timeout(CUT_PATIENCE, serving).await.unwrap_or(Ok(()))
                }
            }
        };
        tracing::info!("closing the databases");
        if let Some(care) = care {
            care.abort();
        }
        spawn_blocking(move || {
            sessions.close_all();
            instance.close(CLOSE_PATIENCE)
        })
        .await?
        .map_err(ServerError::Close)?;
        served?;
        refused.await.map_or(Ok(()), |error| Err(ServerError::Join(error)))
    }
}

/// Wait until nothing runs any more, and see to it that it does not take for ever.
async fn drain(calls: &Calls, instance: &Database, limit: Duration, hurry: impl Future<Output = ()>) {
    tokio::select! {
        () = calls.settled() => return,
        () = sleep(limit) => tracing::warn!(?limit, "the drain timeout is over: interrupting what still runs"),
        () = hurry => tracing::warn!("told to hurry: interrupting what still runs"),
    }
    instance.start_closing();
    let interrupting = async {
        let mut again = interval(INTERRUPT_INTERVAL);
        loop {
            again.tick().await;
            instance.interrupt_all();
        }
    };
    tokio::select! {
        () = interrupting => {}
        () = calls.worked_off() => {}
        () = sleep(INTERRUPT_PATIENCE) => {}
    }
}
