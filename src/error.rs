//! Everything that can go wrong in the extension, and which DuckDB exception it becomes.

use std::collections::BTreeMap;
use std::time::Duration;

use duckling_protocol::ErrorDetail;
use thiserror::Error;
use tonic::{Code, Status};

use crate::runtime::STOP_TIMEOUT;

/// Result of anything that can fail in the extension.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure, told the way a user should read it.
#[derive(Debug, Error)]
pub enum Error {
    /// DuckDB on the server raised it; class, text and what else DuckDB knows of it are kept.
    #[error("{message}")]
    Remote {
        class: String,
        message: String,
        extra_info: BTreeMap<String, String>,
    },
    #[error("{0}")]
    InvalidOption(String),
    #[error(
        "Cannot reach a Duckling server at {endpoint}: {reason}. Start one with \
         `duckling-server --listen {endpoint}`, or check server_host and server_port"
    )]
    Unreachable { endpoint: String, reason: String },
    #[error("The server at {endpoint} did not answer within {} seconds: is it a Duckling server?", waited.as_secs())]
    NoAnswer { endpoint: String, waited: Duration },
    #[error("Lost the connection to the Duckling server at {endpoint}: {reason}")]
    Disconnected { endpoint: String, reason: String },
    /// The connection was closed before the server looked at the request.
    #[error("Lost the connection to the Duckling server at {endpoint}: {reason}")]
    NotSent { endpoint: String, reason: String },
    /// The answer was lost: what was asked may have been done.
    #[error(
        "Lost the connection to the Duckling server at {endpoint}: {reason}. Whether {what} is unknown: look before you \
         repeat it"
    )]
    OutcomeUnknown {
        endpoint: String,
        reason: String,
        what: &'static str,
    },
    /// It was interrupted, and its answer did not come in time: what was asked may have been done.
    #[error(
        "The Duckling server at {endpoint} did not stop within {} seconds. Whether {what} is unknown: look before you \
         repeat it", waited.as_secs()
    )]
    NotStopped {
        endpoint: String,
        waited: Duration,
        what: &'static str,
    },
    #[error("The transaction on the Duckling server at {endpoint} is lost, nothing of it is kept: {reason}")]
    TransactionLost { endpoint: String, reason: String },
    /// The session is gone, with its transaction and temporary objects; the statement did not run.
    #[error("The session on the Duckling server at {endpoint} is gone, and its transaction was rolled back: {reason}")]
    SessionLost { endpoint: String, reason: String },
    #[error("What listens at {endpoint} is not a Duckling server, or not one of this version: {reason}")]
    NotDuckling { endpoint: String, reason: String },
    #[error("The Duckling server at {endpoint} refused: {reason}")]
    Refused { endpoint: String, reason: String },
    #[error("Cannot decode the answer of the Duckling server: {0}")]
    Protocol(String),
    #[error("{0}")]
    Interrupted(&'static str),
    #[error("{0}")]
    LocalServer(String),
    #[error("Bug in Duckherder, please report it: {0}")]
    Panic(String),
}

impl Error {
    /// The DuckDB exception class to raise, as DuckDB prints it.
    ///
    /// Never `INTERNAL` or `FATAL`: those invalidate the client's database, which a remote failure must not.
    pub fn class(&self) -> &str {
        match self {
            Self::Remote { class, .. } if class == "INTERNAL" || class == "FATAL" => "IO",
            Self::Remote { class, .. } => class,
            Self::InvalidOption(_) => "Binder",
            Self::LocalServer(_) => "Invalid Input",
            Self::Interrupted(_) | Self::NotStopped { .. } => "INTERRUPT",
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::Disconnected { .. }
            | Self::NotSent { .. }
            | Self::OutcomeUnknown { .. }
            | Self::TransactionLost { .. }
            | Self::SessionLost { .. }
            | Self::NotDuckling { .. }
            | Self::Refused { .. }
            | Self::Protocol(_)
            | Self::Panic(_) => "IO",
        }
    }

    /// What DuckDB calls the extra info of an exception.
    pub fn extra_info(&self) -> Vec<(String, String)> {
        match self {
            Self::Remote { extra_info, .. } => extra_info.clone().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// `what` was interrupted, and may have happened all the same.
    pub fn not_stopped(endpoint: &str, what: &'static str) -> Self {
        Self::NotStopped {
            endpoint: endpoint.to_string(),
            waited: STOP_TIMEOUT,
            what,
        }
    }

    /// The same, when the answer to something with lasting effects did not come: `what` may have happened.
    pub fn outcome_unknown(self, what: &'static str) -> Self {
        match self {
            Self::Disconnected { endpoint, reason } => Self::OutcomeUnknown { endpoint, reason, what },
            error => error,
        }
    }

    /// The same, if something was interrupted because of `reason` and may have failed of that.
    pub fn interrupted_by(self, reason: &'static str) -> Self {
        match self {
            Self::Remote { class, .. } if class == "INTERRUPT" => Self::Interrupted(reason),
            error => error,
        }
    }

    /// The same, as it looks from inside a transaction, which does not survive a lost connection.
    pub fn inside_transaction(self) -> Self {
        match self {
            Self::Disconnected { endpoint, reason }
            | Self::NotSent { endpoint, reason }
            | Self::Unreachable { endpoint, reason }
            | Self::SessionLost { endpoint, reason } => Self::TransactionLost { endpoint, reason },
            error => error,
        }
    }

    /// A gRPC status from the server at `endpoint`.
    pub fn from_status(status: &Status, endpoint: &str) -> Self {
        if let Some(detail) = ErrorDetail::from_status(status) {
            return Self::Remote {
                class: detail.class,
                message: detail.message,
                extra_info: detail.extra_info,
            };
        }
        let endpoint = endpoint.to_string();
        let reason = status.message().to_string();
        match status.code() {
            Code::NotFound => Self::SessionLost { endpoint, reason },
            Code::Unavailable if is_connect_failure(status) => Self::Unreachable {
                endpoint,
                reason: root_cause(status),
            },
            _ if is_not_sent(status) || is_turned_away(status) => Self::NotSent {
                endpoint,
                reason: root_cause(status),
            },
            Code::Unavailable | Code::Cancelled | Code::Unknown => Self::Disconnected {
                endpoint,
                reason: root_cause(status),
            },
            Code::Unimplemented => Self::NotDuckling { endpoint, reason },
            _ => Self::Refused { endpoint, reason },
        }
    }
}

/// No connection could be made.
fn is_connect_failure(status: &Status) -> bool {
    causes(status).any(|error| error.is::<tonic::ConnectError>())
}

/// The connection was closed while the request waited for its turn on it.
fn is_not_sent(status: &Status) -> bool {
    causes(status).any(|error| {
        error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled)
    })
}

/// The server stops, and has said that it did not look at the request.
fn is_turned_away(status: &Status) -> bool {
    causes(status)
        .filter_map(|error| error.downcast_ref::<h2::Error>())
        .any(|error| error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR))
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(status), |error| error.source())
}

/// The innermost reason: the outer ones say only that a transport failed.
fn root_cause(status: &Status) -> String {
    let innermost = causes(status).last();
    innermost.map_or_else(|| status.message().to_string(), ToString::to_string)
}
