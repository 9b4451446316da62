//! Why a server is not the worker of a driver.

use duckling_protocol::Versions;
use thiserror::Error;

use crate::engine::EngineError;

/// Told the way a user should read it, in SQL or at the end of a process.
#[derive(Clone, Debug, Error)]
pub enum ClusterError {
    #[error("\"{text}\" is not the address of a server: expected {expected}")]
    NotALocation { text: String, expected: &'static str },
    #[error("A worker needs an id: a text that is not empty")]
    NoId,
    #[error("There is a worker \"{id}\" already, at {address}: choose another id, or unregister that one first")]
    DuplicateId { id: String, address: String },
    #[error("There is no worker \"{id}\": {}", known(workers))]
    UnknownWorker { id: String, workers: Vec<String> },
    #[error(
        "The worker at {address} is Duckling {} with DuckDB {}, the driver Duckling {} with DuckDB {}: use the same release \
         of both",
        worker.duckling, worker.duckdb, driver.duckling, driver.duckdb
    )]
    Version {
        address: String,
        worker: Versions,
        driver: Versions,
    },
    #[error("A server cannot be its own worker")]
    Itself,
    #[error("It is the worker \"{worker_id}\" of the driver at {driver} already")]
    Taken { worker_id: String, driver: String },
    #[error("It is not the worker of that driver, but offers itself to the one at {driver}")]
    Offering { driver: String },
    #[error("The server is shutting down")]
    Stopping,
    #[error("Cannot reach a Duckling server at {address}: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("What listens at {address} is not a Duckling server, or not one of this version: {reason}")]
    NotDuckling { address: String, reason: String },
    #[error(
        "What answers at {address} is another server: the worker must say with --advertise where it can be reached"
    )]
    OtherServer { address: String },
    #[error("The server at {address} refuses: {reason}")]
    Refused { address: String, reason: String },
    #[error("{}", .0.message)]
    Engine(#[from] EngineError),
}

impl ClusterError {
    /// The same may succeed later without anybody doing something about it.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Stopping | Self::OtherServer { .. } | Self::Engine(_)
        )
    }
}

fn known(workers: &[String]) -> String {
    match workers {
        [] => "the server has none".to_string(),
        workers => format!(
            "the server has {}",
            crate::config::quoted_list(workers.iter().map(String::as_str))
        ),
    }
}
