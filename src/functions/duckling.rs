//! One duckling inside this process, on loopback.

use std::error::Error as StdError;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use duckdb_neo::Error as FunctionError;
use duckling_server::cluster::Cluster;
use duckling_server::{Config, Server, ServerError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::runtime::runtime;

/// How long running statements may take to end when the server is stopped.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);

/// A server that runs until it is stopped, or fails.
pub struct Duckling {
    port: u16,
    cluster: Arc<Cluster>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::result::Result<(), ServerError>>,
}

impl Duckling {
    /// Start a server. It accepts connections when this returns. `what` it is called in messages.
    ///
    /// # Errors
    /// `LocalServer` if the port is not free, or a database cannot be opened.
    pub async fn start(what: &str, port: u16, config: Config) -> Result<Self> {
        let cannot = |reason: String| Error::LocalServer(format!("Cannot start {what}{reason}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| cannot(format!(" on port {port}: {}", why(&error))))?;
        let port = listener.local_addr().map_or(port, |address| address.port());
        let config = Config {
            drain_timeout: DRAIN_TIMEOUT,
            ..config
        };
        let server = Server::open(config)
            .await
            .map_err(|error| cannot(format!(": {}", with_causes(&error))))?;
        let cluster = server.cluster();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            // A dropped sender stops the server as well.
            let _ = stopped.await;
        };
        let task = runtime().spawn(server.serve(listener, stopped, std::future::pending()));
        Ok(Self {
            port,
            cluster,
            stop,
            task,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its part in a cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// It has stopped by itself.
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Stop the server: what it has in a file is written there, what it has in memory is gone.
    ///
    /// # Errors
    /// `LocalServer` if its file cannot be written, or why it has stopped before.
    pub async fn stop(self) -> Result<()> {
        // Whether it is still there to be told or not, it is gone afterwards.
        let _ = self.stop.send(());
        match self.task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::LocalServer(with_causes(&error))),
            Err(error) => Err(Error::LocalServer(format!("The server failed: {error}"))),
        }
    }
}

/// A port that a user has named.
///
/// # Errors
/// `InvalidInput` for what is none.
pub fn port_number(port: i64) -> std::result::Result<u16, FunctionError> {
    u16::try_from(port)
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| FunctionError::invalid_input(format!("{port} is not a port: expected a number from 1 to 65535")))
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use: choose another one, or stop what listens on it".to_string(),
        _ => error.to_string(),
    }
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
