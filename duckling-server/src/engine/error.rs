//! What DuckDB threw.

use thiserror::Error;

/// A DuckDB exception: class, message without its class prefix, and the place in the statement if known.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{class} Error: {message}")]
pub struct EngineError {
    /// Exception class as DuckDB prints it, such as `Catalog` or `Constraint`.
    pub class: String,
    pub message: String,
    /// Byte offset into the statement.
    pub position: Option<u64>,
    /// What DuckDB says beyond the class, such as `MISSING_ENTRY`; may be empty.
    pub subtype: String,
}

impl EngineError {
    /// One of ours, in DuckDB's class `class`.
    pub fn new(class: &str, message: impl Into<String>) -> Self {
        Self {
            class: class.to_string(),
            message: message.into(),
            position: None,
            subtype: String::new(),
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

impl From<arrow::error::ArrowError> for EngineError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::new("Invalid Input", error.to_string())
    }
}
