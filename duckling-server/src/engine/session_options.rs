//! How a session is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use super::database::Database;
use super::error::EngineError;
use super::history::{Client, History};
use super::quote_identifier;

/// How a session is set up.
#[derive(Clone)]
pub struct SessionOptions {
    /// Folder for results that another statement pushes aside.
    pub spill_folder: PathBuf,
    /// How long a statement may run, from its start until its last row is fetched.
    pub statement_timeout: Option<Duration>,
    /// Where its statements are recorded, and as whose.
    pub history: Arc<History>,
    pub client: Arc<Client>,
}

impl SessionOptions {
    /// Open a connection for the session's statements. Blocks.
    pub(super) fn connect(&self, instance: &Database, database: &str) -> Result<Connection, EngineError> {
        let connection = instance.connect()?;
        // With its schema: a bare name means a schema of the default database first.
        connection.query(&format!("USE {}.main", quote_identifier(database)))?;
        if let Some(limit) = self.statement_timeout {
            connection.query(&format!(
                "SET SESSION max_execution_time = {}",
                limit.as_millis().max(1)
            ))?;
        }
        Ok(connection)
    }
}
