//! The kinds of values that flags take.

use std::time::Duration;

use duckling_server::cluster::{ClusterError, check_address};
use duckling_server::engine::check_setting;
use duckling_server::{ConfigError, DatabaseConfig};
use thiserror::Error;

const IN_MEMORY: &str = ":memory:";

/// Why a value is none.
#[derive(Debug, Error)]
pub enum ValueError {
    #[error(transparent)]
    Database(#[from] ConfigError),
    #[error("no path after \"{name}=\"; {name}={IN_MEMORY} is in memory")]
    NoPath { name: String },
    #[error("{0}; write 500ms, 90s, 10m or 1h")]
    Duration(#[from] humantime::DurationError),
    #[error("it must be longer than 0")]
    NoTime,
    #[error("{0}")]
    MemoryLimit(String),
}

/// `NAME=PATH`, `NAME=:memory:`, or a bare path. A `/` before the first `=` makes it a path.
pub fn database(text: &str) -> Result<DatabaseConfig, ValueError> {
    match text.split_once('=').filter(|(name, _)| !name.contains('/')) {
        Some(("", _)) => Err(ConfigError::EmptyName.into()),
        Some((name, "")) => Err(ValueError::NoPath { name: name.to_string() }),
        Some((name, IN_MEMORY)) => Ok(DatabaseConfig::in_memory(name)),
        Some((name, path)) => Ok(DatabaseConfig {
            name: name.to_string(),
            path: Some(path.into()),
            read_only: false,
        }),
        None if text == IN_MEMORY => Ok(DatabaseConfig::in_memory("memory")),
        None => Ok(DatabaseConfig::from_path(text)?),
    }
}

/// Where a server is.
pub fn address(text: &str) -> Result<String, ClusterError> {
    check_address(text)
}

/// A time with its unit, such as `90s`.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    Ok(humantime::parse_duration(text)?)
}

/// The same, and not 0.
pub fn positive_duration(text: &str) -> Result<Duration, ValueError> {
    match duration(text)? {
        Duration::ZERO => Err(ValueError::NoTime),
        time => Ok(time),
    }
}

/// An amount of memory that DuckDB understands.
pub fn memory_limit(text: &str) -> Result<String, ValueError> {
    check_setting("memory_limit", text).map_err(|error| ValueError::MemoryLimit(error.message))?;
    Ok(text.to_string())
}
