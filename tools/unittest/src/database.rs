//! Databases, connections and results as tests see them: text values, column names, and DuckDB's own comparison of
//! numbers. It does not know what a test expects.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use libduckdb_sys as duckdb;

use crate::ffi::{RawChunk, RawConnection, RawDatabase, RawType};

/// DuckDB's message, unchanged, because tests compare it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(pub String);

/// How a database is opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// The file; `None` for an in-memory database.
    pub path: Option<PathBuf>,
    pub read_only: bool,
    /// DuckDB's `storage_compatibility_version`.
    pub storage_version: Option<String>,
    /// Where secrets and spilled data go, so that no test touches the user's.
    pub state_directory: PathBuf,
}

impl OpenOptions {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let directory = |name: &str| self.state_directory.join(name).to_string_lossy().into_owned();
        let mut settings = vec![
            ("allow_unsigned_extensions", "true".to_owned()),
            ("allow_unredacted_secrets", "true".to_owned()),
            // As in DuckDB's runner: an extension is loaded by `require`, never from the internet by accident.
            ("autoload_known_extensions", "false".to_owned()),
            ("autoinstall_known_extensions", "false".to_owned()),
            ("secret_directory", directory("secrets")),
            ("temp_directory", directory("spill")),
        ];
        if self.read_only {
            settings.push(("access_mode", "READ_ONLY".to_owned()));
        }
        if let Some(version) = &self.storage_version {
            settings.push(("storage_compatibility_version", version.clone()));
        }
        settings
    }
}

/// Every connection of one test, to be interrupted together when its time is up.
#[derive(Clone, Default)]
pub struct Interrupts(Arc<Mutex<Vec<Weak<RawConnection>>>>);

impl Interrupts {
    pub fn interrupt_all(&self) {
        let connections = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        connections
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|connection| connection.interrupt());
    }

    fn register(&self, connection: &Arc<RawConnection>) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|known| known.strong_count() > 0);
        connections.push(Arc::downgrade(connection));
    }
}

/// An open database. It is closed when it and all its connections are dropped.
pub struct Database {
    raw: RawDatabase,
    interrupts: Interrupts,
}

impl Database {
    /// Opens a database.
    ///
    /// # Errors
    /// DuckDB's message.
    pub fn open(options: &OpenOptions, interrupts: Interrupts) -> Result<Self, DatabaseError> {
        let path = options
            .path
            .as_deref()
            .map(Path::to_string_lossy)
            .map(|path| c_string(&path))
            .transpose()?;
        let settings = options
            .settings()
            .iter()
            .map(|(name, value)| Ok((c_string(name)?, c_string(value)?)))
            .collect::<Result<Vec<_>, DatabaseError>>()?;
        let raw = RawDatabase::open(path.as_deref(), &settings).map_err(DatabaseError)?;
        Ok(Self { raw, interrupts })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When DuckDB refuses, without its reason: the C API does not tell.
    pub fn connect(&self) -> Result<Connection, DatabaseError> {
        let raw = self
            .raw
            .connect()
            .ok_or_else(|| DatabaseError("DuckDB refuses a connection".to_owned()))?;
        let raw = Arc::new(raw);
        self.interrupts.register(&raw);
        Ok(Connection { raw })
    }
}

/// A connection.
pub struct Connection {
    raw: Arc<RawConnection>,
}

impl Connection {
    /// Runs all statements of `sql` and reads the result of the last one.
    ///
    /// # Errors
    /// DuckDB's message.
    pub fn query(&self, sql: &str) -> Result<Table, DatabaseError> {
        let mut result = self.raw.query(&c_string(sql)?).map_err(DatabaseError)?;
        let columns: Vec<Column> = (0..result.column_count())
            .map(|index| Column::new(result.column_name(index), result.column_type(index)))
            .collect();
        let mut rows = Vec::new();
        while let Some(chunk) = result.next_chunk().map_err(DatabaseError)? {
            for row in 0..chunk.row_count() {
                rows.push(self.render_row(&columns, &chunk, row)?);
            }
        }
        Ok(Table { columns, rows })
    }

    fn render_row(&self, columns: &[Column], chunk: &RawChunk, row: u64) -> Result<Vec<String>, DatabaseError> {
        let render = |(index, column): (u64, &Column)| {
            let text = chunk.render(&self.raw, index, row).map_err(DatabaseError)?;
            Ok(column.present(text))
        };
        (0..).zip(columns).map(render).collect()
    }

    /// Compares two texts as values of a numeric column, with DuckDB's tolerance for floating point.
    pub fn numbers_equal(&self, column: &Column, left: &str, right: &str) -> bool {
        column.raw_type.equal(&self.raw, left, right).unwrap_or(false)
    }
}

/// A result, each value as DuckDB's test runner writes it.
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

/// A column of a result.
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
    raw_type: RawType,
}

/// What decides how a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Boolean,
    Number,
    Other,
}

impl Column {
    fn new(name: String, raw_type: RawType) -> Self {
        let kind = match raw_type.id() {
            duckdb::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN => ColumnKind::Boolean,
            duckdb::DUCKDB_TYPE_DUCKDB_TYPE_TINYINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_USMALLINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_UHUGEINT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_FLOAT
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE
            | duckdb::DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL => ColumnKind::Number,
            _ => ColumnKind::Other,
        };
        Self { name, kind, raw_type }
    }

    /// Writes a value as DuckDB's runner does: `NULL`, `(empty)`, `1` / `0` for booleans, `\0` for the zero byte.
    fn present(&self, text: Option<String>) -> String {
        match (text, self.kind) {
            (None, _) => "NULL".to_owned(),
            (Some(text), ColumnKind::Boolean) => if text == "true" { "1" } else { "0" }.to_owned(),
            (Some(text), _) if text.is_empty() => "(empty)".to_owned(),
            (Some(text), _) => text.replace('\0', "\\0"),
        }
    }
}

fn c_string(text: &str) -> Result<CString, DatabaseError> {
    CString::new(text).map_err(|_| DatabaseError("a zero byte cannot be passed to DuckDB".to_owned()))
}
