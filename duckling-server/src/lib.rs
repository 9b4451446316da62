//! Duckling: DuckDB databases served over Arrow Flight SQL.
//!
//! [`run`] serves them on a listener until it is told to stop; [`Server`] does the same in two steps. `engine` owns
//! DuckDB and knows nothing of gRPC; `flight` owns the RPCs and knows nothing of DuckDB's interfaces; `cluster` knows which
//! servers work together, and runs queries on several of them.

pub mod cluster;
pub mod config;
pub mod engine;
mod flight;
mod server;
mod table_care;

use std::future::{Future, pending};

use tokio::net::TcpListener;

pub use config::{ClusterConfig, Config, ConfigError, DatabaseConfig};
pub use server::{Server, ServerError};

/// Open the databases, and serve Flight SQL on `listener` until `shutdown` resolves and the running statements have
/// ended.
///
/// # Errors
/// If a database cannot be opened, or not be closed.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    Server::open(config).await?.serve(listener, shutdown, pending()).await
}
