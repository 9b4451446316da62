//! What a client must know of a database to bind statements on it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use uuid::Uuid;

use duckling_protocol::{CatalogSnapshot, Column, Relation, RelationKind, Schema};

use super::connection::Connection;
use super::error::EngineError;

const SCHEMAS: &str = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() \
     AND schema_name NOT IN ('information_schema', 'pg_catalog') ORDER BY ALL";

const RELATIONS: &str = "SELECT schema_name, table_name, 0::BIGINT, sql, estimated_size::BIGINT, comment \
     FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal \
     UNION ALL SELECT schema_name, view_name, 1::BIGINT, sql, 0::BIGINT, comment \
     FROM duckdb_views() WHERE database_name = current_database() AND NOT internal ORDER BY ALL";

const COLUMNS: &str = "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() \
     WHERE database_name = current_database() AND NOT internal \
     ORDER BY schema_name, table_name, column_index";

const FUNCTIONS: &str = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() ORDER BY ALL";

/// Read the catalog of the connection's database in one transaction; `None` if `known_version` is still current.
///
/// # Errors
/// DuckDB's own.
pub fn snapshot(
    connection: &Connection,
    database: &str,
    known_version: Option<u64>,
) -> Result<Option<CatalogSnapshot>, EngineError> {
    let version = version(connection, database)?;
    if known_version == Some(version) {
        return Ok(None);
    }
    let own_transaction = !connection.in_transaction();
    if own_transaction {
        connection.query("BEGIN TRANSACTION")?;
    }
    let outcome = read(connection, database);
    if own_transaction {
        connection.query("ROLLBACK")?;
    }
    outcome.map(Some)
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
    let batches = connection.query(FUNCTIONS)?;
    Ok(rows(&batches).map(|(batch, row)| text(batch, 0, row)).collect())
}

fn read(connection: &Connection, database: &str) -> Result<CatalogSnapshot, EngineError> {
    let version = version(connection, database)?;
    let mut columns: BTreeMap<(String, String), Vec<Column>> = BTreeMap::new();
    for (batch, row) in rows(&connection.query(COLUMNS)?) {
        let relation = (text(batch, 0, row), text(batch, 1, row));
        let column = Column {
            name: text(batch, 2, row),
            data_type: text(batch, 3, row),
        };
        columns.entry(relation).or_default().push(column);
    }
    let mut relations: BTreeMap<String, Vec<Relation>> = BTreeMap::new();
    for (batch, row) in rows(&connection.query(RELATIONS)?) {
        let (schema, name) = (text(batch, 0, row), text(batch, 1, row));
        let kind = if number(batch, 2, row) == 0 {
            RelationKind::Table
        } else {
            RelationKind::View
        };
        let comment = batch.column(5).is_valid(row).then(|| text(batch, 5, row));
        let columns = columns.remove(&(schema.clone(), name.clone())).unwrap_or_default();
        relations.entry(schema).or_default().push(Relation {
            kind: kind.into(),
            name,
            sql: text(batch, 3, row),
            columns,
            estimated_rows: u64::try_from(number(batch, 4, row)).unwrap_or(0),
            comment,
        });
    }
    let schemas = rows(&connection.query(SCHEMAS)?)
        .map(|(batch, row)| {
            let name = text(batch, 0, row);
            let relations = relations.remove(&name).unwrap_or_default();
            Schema { name, relations }
        })
        .collect();
    Ok(CatalogSnapshot { version, schemas })
}

fn rows(batches: &[RecordBatch]) -> impl Iterator<Item = (&RecordBatch, usize)> {
    batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)))
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> String {
    let column = batch.column(column);
    if column.is_null(row) {
        String::new()
    } else {
        column.as_string::<i32>().value(row).to_string()
    }
}

fn number(batch: &RecordBatch, column: usize, row: usize) -> i64 {
    let column = batch.column(column);
    if column.is_null(row) {
        0
    } else {
        column.as_primitive::<Int64Type>().value(row)
    }
}
