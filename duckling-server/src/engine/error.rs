//! What DuckDB threw.

use std::collections::BTreeMap;

use arrow::error::ArrowError;
use thiserror::Error;

/// What DuckDB says of an error beyond its class. Source: `error_subtype` in the extra info of its exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subtype {
    EntryAlreadyExists,
    /// Of our own: the session was closed before the statement began.
    SessionClosed,
    Other,
}

impl Subtype {
    fn from_name(name: &str) -> Self {
        match name {
            "ENTRY_ALREADY_EXISTS" => Self::EntryAlreadyExists,
            _ => Self::Other,
        }
    }
}

/// A DuckDB exception: class, message without its class prefix, and what else DuckDB knows of it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{class} Error: {message}")]
pub struct EngineError {
    /// Exception class as DuckDB prints it, such as `Catalog` or `Constraint`.
    pub class: String,
    pub message: String,
    /// What DuckDB calls the extra info of an exception: its `position` in the statement, `candidates`, …
    pub details: Box<BTreeMap<String, String>>,
    pub subtype: Subtype,
}

impl EngineError {
    /// Class of a statement that was stopped.
    pub const INTERRUPT: &str = "INTERRUPT";

    /// One of ours, in DuckDB's class `class`.
    pub fn new(class: &str, message: impl Into<String>) -> Self {
        Self {
            class: class.to_string(),
            message: message.into(),
            details: Box::default(),
            subtype: Subtype::Other,
        }
    }

    pub(crate) fn from_duckdb(class: String, message: String, details: BTreeMap<String, String>) -> Self {
        let subtype = details
            .get("error_subtype")
            .map_or(Subtype::Other, |name| Subtype::from_name(name));
        Self {
            class,
            message,
            details: Box::new(details),
            subtype,
        }
    }

    /// What DuckDB says of a statement that was interrupted.
    pub(super) fn interrupted() -> Self {
        Self::new(Self::INTERRUPT, "Interrupted!")
    }

    /// A statement that came too late: its session was closed, and nothing has begun.
    pub(super) fn session_closed() -> Self {
        Self {
            subtype: Subtype::SessionClosed,
            ..Self::new("Connection", "The session was closed")
        }
    }

    /// A blocking call that did not return: it panicked, or the runtime is shutting down.
    pub(super) fn lost(what: &str) -> Self {
        Self::new(
            "Internal",
            format!("{what} did not finish: the server is shutting down or a call panicked"),
        )
    }
}

impl From<ArrowError> for EngineError {
    fn from(error: ArrowError) -> Self {
        if let ArrowError::ExternalError(inner) = &error
            && let Some(inner) = inner.downcast_ref::<Self>()
        {
            return inner.clone();
        }
        Self::new("Invalid Input", error.to_string())
    }
}
