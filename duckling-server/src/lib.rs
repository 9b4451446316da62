//! Duckling: a DuckDB served over Arrow Flight SQL.
//!
//! [`run`] serves one DuckDB instance on a listener until it is told to stop. `engine` owns DuckDB and knows nothing
//! of gRPC; `flight` owns the RPCs and knows nothing of DuckDB's interfaces.

pub mod config;
pub mod engine;
mod flight;

use std::future::Future;

use thiserror::Error;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

pub use config::Config;
use engine::{Database, DatabaseOptions, EngineError};

/// Why a server could not start or go on.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("cannot open the database: {0}")]
    Database(#[from] EngineError),
    #[error("the gRPC server stopped: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serve Flight SQL on `listener` until `shutdown` resolves and the running calls have ended.
///
/// # Errors
/// If the database cannot be opened, or the listener fails.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    if !engine::has_icu() {
        tracing::warn!(
            "built without ICU: TIMESTAMPTZ works in UTC only and without arithmetic, and there are no collations by language"
        );
    }
    let instance = Database::open(&DatabaseOptions {
        path: config.database_path,
        settings: Vec::new(),
    })?;
    // Without it, small answers wait for the peer's delayed acknowledgement: 40 ms.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    flight::router(flight::Service::new(instance)?)
        .serve_with_incoming_shutdown(incoming, shutdown)
        .await?;
    Ok(())
}
