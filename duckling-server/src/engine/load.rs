//! Arrow batches from outside into a table.

use arrow::array::{Int64Array, RecordBatch, RecordBatchReader};

use super::connection::Connection;
use super::error::EngineError;
use super::quote_identifier;

/// Rows for a table that exists, or that a statement of the client's creates first.
pub struct Load {
    /// Statement that creates the table first, if it does not exist yet.
    pub create_sql: Option<String>,
    /// The schema's own name, after those of the schemas around it; empty for a temporary table of the session.
    pub schema: Vec<String>,
    pub table: String,
    /// Target columns, in the order of the batches'.
    pub columns: Vec<String>,
    /// Load in a transaction of its own, even while the session has one open.
    pub apart: bool,
    pub batches: Box<dyn RecordBatchReader + Send>,
}

/// What to do when the table of a [`BulkLoad`] does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    Create,
    Fail,
}

/// What to do when the table of a [`BulkLoad`] exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    Fail,
    Append,
    Replace,
}

/// Rows for a table that is made to fit them, or whose columns they match by name.
///
/// Source: Flight SQL, CommandStatementIngest.
pub struct BulkLoad {
    /// Database and schema; the session's current ones if absent.
    pub database: Option<String>,
    pub schema: Option<String>,
    pub table: String,
    pub temporary: bool,
    pub if_missing: IfMissing,
    pub if_exists: IfExists,
    pub batches: Box<dyn RecordBatchReader + Send>,
}

/// What stands for the rows of a load in its text.
const ROWS: &str = "<rows of the client>";

impl Load {
    /// What it does, to be read; it is no SQL.
    pub(super) fn text(&self, database: &str) -> String {
        let insert = format!("{} {ROWS}", self.insert_into(database));
        match &self.create_sql {
            Some(create_sql) => format!("{}; {insert}", create_sql.trim_end().trim_end_matches(';')),
            None => insert,
        }
    }

    fn insert_into(&self, database: &str) -> String {
        let mut path = if self.schema.is_empty() {
            vec!["temp", "main"]
        } else {
            vec![database]
        };
        path.extend(self.schema.iter().map(String::as_str));
        path.push(&self.table);
        let columns = self.columns.iter().map(String::as_str);
        format!("INSERT INTO {} ({})", quote(path, "."), quote(columns, ", "))
    }
}

impl BulkLoad {
    /// What it does, to be read; it is no SQL.
    pub(super) fn text(&self) -> String {
        format!("INSERT INTO {} {ROWS}", self.path())
    }

    fn path(&self) -> String {
        let names = [&self.database, &self.schema].into_iter().flatten();
        quote(names.chain([&self.table]).map(String::as_str), ".")
    }
}

fn quote<'a>(names: impl IntoIterator<Item = &'a str>, separator: &str) -> String {
    let quoted: Vec<_> = names.into_iter().map(quote_identifier).collect();
    quoted.join(separator)
}

/// Load rows into a table of `database` in the open transaction. Returns how many.
pub(super) fn load(connection: &Connection, database: &str, load: Load) -> Result<u64, EngineError> {
    if let Some(create_sql) = &load.create_sql {
        connection.query(create_sql)?;
    }
    let sql = format!("{} SELECT * FROM arrow_scan()", load.insert_into(database));
    insert(connection, &sql, load.batches)
}

/// Load rows in bulk, in the open transaction. Returns how many.
///
/// # Errors
/// `Catalog` if the table exists or is missing where that is to fail, as DuckDB itself says it.
pub(super) fn bulk_load(connection: &Connection, load: BulkLoad) -> Result<u64, EngineError> {
    let path = load.path();
    let temporary = if load.temporary { "TEMP " } else { "" };
    let create = |or_replace: &str| format!("CREATE {or_replace}{temporary}TABLE {path} AS SELECT * FROM arrow_scan()");
    let append = || format!("INSERT INTO {path} BY NAME SELECT * FROM arrow_scan()");
    let sql = match (exists(connection, &load)?, load.if_missing, load.if_exists) {
        (false, IfMissing::Create, _) | (true, _, IfExists::Fail) => create(""),
        (false, IfMissing::Fail, _) | (true, _, IfExists::Append) => append(),
        (true, _, IfExists::Replace) => create("OR REPLACE "),
    };
    insert(connection, &sql, load.batches)
}

fn exists(connection: &Connection, load: &BulkLoad) -> Result<bool, EngineError> {
    let text = |value: &str| format!("lower('{}')", value.replace('\'', "''"));
    let or = |value: &Option<String>, fallback: &str| value.as_deref().map_or_else(|| fallback.to_string(), text);
    let (database, schema) = if load.temporary {
        ("'temp'".to_string(), "'main'".to_string())
    } else {
        (
            or(&load.database, "lower(current_database())"),
            or(&load.schema, "lower(current_schema())"),
        )
    };
    let found = connection.query(&format!(
        "SELECT table_name FROM duckdb_tables() WHERE lower(database_name) = {database} \
         AND lower(schema_name) = {schema} AND lower(table_name) = {}",
        text(&load.table)
    ))?;
    Ok(found.iter().any(|batch| batch.num_rows() > 0))
}

fn insert(connection: &Connection, sql: &str, batches: Box<dyn RecordBatchReader + Send>) -> Result<u64, EngineError> {
    let counts: Vec<RecordBatch> = connection.insert_from(sql, batches)?.collect::<Result<_, _>>()?;
    Ok(u64::try_from(changed_rows(&counts).unwrap_or(0)).unwrap_or(0))
}

/// The count that a statement which changes rows returns.
pub(super) fn changed_rows(batches: &[RecordBatch]) -> Option<i64> {
    let count = batches
        .first()?
        .columns()
        .first()?
        .as_any()
        .downcast_ref::<Int64Array>()?;
    (!count.is_empty()).then(|| count.value(0))
}
