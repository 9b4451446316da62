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
    let limits = flight::Limits {
        max_sessions: 1000,
        idle_timeout: std::time::Duration::from_secs(3600),
        disconnect_timeout: std::time::Duration::from_secs(5),
        statement_timeout: None,
        spill_folder: None,
    };
    let service = std::sync::Arc::new(flight::Service::new(instance, limits)?);
    flight::router(service)
        .serve_with_incoming_shutdown(flight::incoming(listener), shutdown)
        .await?;
    Ok(())
}
