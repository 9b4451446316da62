//! What a server is told when it starts.

use std::path::PathBuf;

/// Settings of one server.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// File of the database it serves; in memory if absent.
    pub database_path: Option<PathBuf>,
}
