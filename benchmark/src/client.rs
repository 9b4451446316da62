//! The client side: a DuckDB in this process with the built extension loaded from its file.

use std::path::Path;

use anyhow::{Context, Result};
use duckdb::{Config, Connection};

/// Open an in-memory DuckDB that spills to `dir`, and load the extension.
///
/// # Errors
/// DuckDB refuses the extension file.
pub fn open(extension: &Path, dir: &Path) -> Result<Connection> {
    let config = Config::default()
        .allow_unsigned_extensions()?
        .with("temp_directory", dir.join("spill").to_string_lossy())?;
    let connection = Connection::open_in_memory_with_flags(config)?;
    connection
        .execute_batch(&format!("LOAD '{}'", extension.to_string_lossy().replace('\'', "''")))
        .with_context(|| format!("cannot load {}", extension.display()))?;
    Ok(connection)
}

/// The statement that attaches the server at `port` of this machine as `dh`.
pub fn attach_statement(port: u16) -> String {
    attach_statement_as("dh", port)
}

/// The same for another name.
pub fn attach_statement_as(catalog: &str, port: u16) -> String {
    format!("ATTACH DATABASE '{catalog}' (TYPE duckherder, server_host 'localhost', server_port {port})")
}

/// Open a client that is attached to the server at `port`.
///
/// # Errors
/// As [`open`], or the server cannot be reached.
pub fn connect(extension: &Path, dir: &Path, port: u16) -> Result<Connection> {
    let connection = open(extension, dir)?;
    connection
        .execute_batch(&attach_statement(port))
        .context("cannot attach the server")?;
    Ok(connection)
}
