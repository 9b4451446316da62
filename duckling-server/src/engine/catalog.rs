//! What a client must know of a database to bind statements on it, and to list what there is.

use std::sync::OnceLock;

use arrow::array::{Array, AsArray, RecordBatch};
use uuid::Uuid;

use duckling_protocol::{CatalogResponse, CatalogSnapshot};

use super::catalog_entries::CatalogEntries;
use super::connection::Connection;
use super::error::EngineError;

const FUNCTIONS: &str = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() ORDER BY ALL";
const DATABASES: &str = "SELECT lower(database_name) FROM duckdb_databases() ORDER BY ALL";

/// Read the catalog of the connection's database in one transaction. Without a snapshot if `known_version` is still current,
/// and then with the states of tables and sequences only if they are wanted.
///
/// # Errors
/// DuckDB's own.
pub fn snapshot(
    connection: &Connection,
    database: &str,
    known_version: Option<u64>,
    want_states: bool,
) -> Result<CatalogResponse, EngineError> {
    let is_current = known_version == Some(version(connection, database)?);
    if is_current && !want_states {
        return Ok(CatalogResponse::default());
    }
    let own_transaction = !connection.in_transaction();
    if own_transaction {
        connection.query("BEGIN TRANSACTION")?;
    }
    let outcome = read(connection, database, known_version);
    if own_transaction {
        connection.query("ROLLBACK")?;
    }
    outcome
}

/// Version of the catalog of the connection's database, as its transaction sees it.
///
/// # Errors
/// DuckDB's own.
pub fn version(connection: &Connection, database: &str) -> Result<u64, EngineError> {
    Ok(instance_base() + connection.catalog_version(database)?)
}

/// What this process adds to DuckDB's versions, which start anew with every process: a client must not take the catalog of
/// a restarted server for the one that it knows. DuckDB marks uncommitted versions by bit 62, which stays clear here.
fn instance_base() -> u64 {
    static BASE: OnceLock<u64> = OnceLock::new();
    *BASE.get_or_init(|| (Uuid::new_v4().as_u64_pair().0 >> 3) & !0xFFFF_FFFF)
}

/// Lower-case names of every function and macro that the connection can call, sorted.
///
/// # Errors
/// DuckDB's own.
pub fn function_names(connection: &Connection) -> Result<Vec<String>, EngineError> {
    names(connection, FUNCTIONS)
}

/// Lower-case names of every attached database, sorted.
///
/// # Errors
/// DuckDB's own.
pub fn database_names(connection: &Connection) -> Result<Vec<String>, EngineError> {
    names(connection, DATABASES)
}

fn read(connection: &Connection, database: &str, known_version: Option<u64>) -> Result<CatalogResponse, EngineError> {
    let version = version(connection, database)?;
    let is_current = known_version == Some(version);
    let found = CatalogEntries::read(connection, database, is_current)?;
    Ok(CatalogResponse {
        snapshot: (!is_current).then_some(CatalogSnapshot {
            version,
            schemas: found.schemas,
        }),
        states: found.states,
    })
}

fn names(connection: &Connection, sql: &str) -> Result<Vec<String>, EngineError> {
    let batches = connection.query(sql)?;
    Ok(batches.iter().flat_map(first_column).collect())
}

fn first_column(batch: &RecordBatch) -> impl Iterator<Item = String> {
    let column = batch.column(0).as_string::<i32>();
    (0..column.len()).map(|row| column.value(row).to_string())
}
