//! `duckherder.LoadExtension`: extensions are loaded into the instance, for all its sessions.

use std::sync::Arc;
use std::time::Duration;

use duckling_protocol::{ExtensionLoaded, LoadExtension};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tonic::Status;

use super::sessions::Sessions;
use super::status::{from_engine, internal};
use crate::engine::{EngineError, extension_failure, load_extension};

/// How long installing and loading may take, downloads included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Install and load an extension on a connection of its own, so that transactions of sessions do not matter.
///
/// # Errors
/// DuckDB's own; `IO` when it takes too long.
pub async fn load(sessions: &Sessions, wanted: LoadExtension) -> Result<ExtensionLoaded, Status> {
    let connection = Arc::new(sessions.connect().map_err(|error| from_engine(&error))?);
    let name = wanted.name.clone();
    let loading = spawn_blocking({
        let connection = connection.clone();
        move || load_extension(&connection, &wanted)
    });
    match timeout(TIMEOUT, loading).await {
        Ok(outcome) => outcome
            .map_err(|_| internal("loading an extension was given up"))?
            .map_err(|error| from_engine(&error)),
        Err(_) => {
            connection.interrupt();
            let reason = format!("it took longer than {} seconds", TIMEOUT.as_secs());
            Err(from_engine(&EngineError::new("IO", extension_failure(&name, &reason))))
        }
    }
}
