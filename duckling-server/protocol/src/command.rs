//! Statements: execute, ingest, and the transaction around them.

use prost::Message;

/// Same wire shape as `google.protobuf.Any`, which Flight SQL wraps its commands in.
#[derive(Clone, PartialEq, Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: prost::bytes::Bytes,
}

/// A command that can be packed into and out of [`Any`].
pub trait Command: Message + Default {
    const TYPE_URL: &'static str;

    /// Wrap the command for a ticket or descriptor.
    fn pack(&self) -> Any {
        Any {
            type_url: Self::TYPE_URL.to_string(),
            value: self.encode_to_vec().into(),
        }
    }
}

/// A DuckDB setting of the client that changes what a statement means.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Setting {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// What running the statement means to a client. Source: `StatementReturnType` of DuckDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum ReturnKind {
    /// Rows for the user.
    Rows = 0,
    /// One BIGINT: how many rows changed.
    ChangedRows = 1,
    /// Nothing to show.
    Nothing = 2,
}

/// How far to go with a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum ExecuteMode {
    /// Run it.
    Run = 0,
    /// Describe it, and run it if it is a SELECT that changes nothing.
    DescribeAndRun = 1,
    /// Describe it and leave it at that.
    Describe = 2,
}

/// A column that a client expects a statement to return.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExpectedColumn {
    #[prost(string, tag = "1")]
    pub name: String,
    /// DuckDB type as SQL.
    #[prost(string, tag = "2")]
    pub column_type: String,
}

/// Describe a statement, run it, or both in one round trip; travels in a `DoGet` ticket.
///
/// The answer is an Arrow stream whose schema message carries an [`ExecuteAnswer`]; rows follow if the statement was run.
#[derive(Clone, PartialEq, Message)]
pub struct Execute {
    #[prost(string, tag = "1")]
    pub sql: String,
    /// Start the session's transaction first if none is open.
    #[prost(bool, tag = "2")]
    pub begin: bool,
    /// Settings to run under; they stay until another statement brings others.
    #[prost(message, repeated, tag = "3")]
    pub settings: Vec<Setting>,
    #[prost(enumeration = "ExecuteMode", tag = "4")]
    pub mode: i32,
    /// When the client's transaction began, in microseconds since 1970, UTC: what `now()`, `current_date` and the like are
    /// derived from. If absent, the server's own time.
    #[prost(int64, optional, tag = "5")]
    pub started_us: Option<i64>,
    /// With [`ExecuteMode::Run`]: run the statement only if these are its columns, and describe it. If they are not, it is
    /// only described. Empty: whatever its columns are.
    #[prost(message, repeated, tag = "6")]
    pub expected_columns: Vec<ExpectedColumn>,
    /// Send [`ExecuteProgress`] while the statement runs.
    #[prost(bool, tag = "7")]
    pub progress: bool,
}

impl Command for Execute {
    const TYPE_URL: &'static str = "type.duckherder.dev/duckherder.Execute";
}

/// How far a statement is; travels in the application metadata of messages without Arrow data, before the schema message and
/// after it.
#[derive(Clone, PartialEq, Message)]
pub struct ExecuteProgress {
    #[prost(double, tag = "1")]
    pub percent: f64,
}

/// What a statement turned out to be; travels in the application metadata of the schema message, before all rows.
#[derive(Clone, PartialEq, Message)]
pub struct ExecuteAnswer {
    /// The statement was run: what follows are its rows.
    #[prost(bool, tag = "1")]
    pub ran: bool,
    /// DuckDB type of each column as SQL, in schema order. Arrow alone cannot name every DuckDB type. Empty unless a
    /// description was asked for, and where DuckDB learns the shape only by running the statement.
    #[prost(string, repeated, tag = "2")]
    pub column_types: Vec<String>,
    /// Only if a description was asked for.
    #[prost(enumeration = "ReturnKind", tag = "3")]
    pub return_kind: i32,
    /// The statement leaves data, catalog and session as they were. Only if a description was asked for.
    #[prost(bool, tag = "4")]
    pub read_only: bool,
    /// Version of the session's catalog as its transaction sees it, after a statement that writes; 0 if unknown. See
    /// [`crate::CatalogSnapshot::version`].
    #[prost(uint64, tag = "5")]
    pub catalog_version: u64,
    /// The session is inside a transaction that only COMMIT or ROLLBACK ends.
    #[prost(bool, tag = "6")]
    pub in_transaction: bool,
    /// It has run to its end: nothing can undo its effects any more but a transaction that is still open.
    #[prost(bool, tag = "7")]
    pub has_run: bool,
    /// What the user is to be told beside the result.
    #[prost(string, repeated, tag = "8")]
    pub notices: Vec<String>,
}

/// Load the Arrow stream that follows into a table; travels in the first descriptor of a `DoPut`.
///
/// Creating and filling are one transaction: if either fails, neither happened.
#[derive(Clone, PartialEq, Message)]
pub struct Ingest {
    /// Statement that creates the table first; empty to load into one that exists.
    #[prost(string, tag = "1")]
    pub create_sql: String,
    /// Schema that holds the table: its own name, after those of the schemas around it. Empty for a temporary table.
    #[prost(string, repeated, tag = "2")]
    pub schema: Vec<String>,
    #[prost(string, tag = "3")]
    pub table: String,
    /// Target columns, in the order of the stream's.
    #[prost(string, repeated, tag = "4")]
    pub columns: Vec<String>,
    /// Start the session's transaction first if none is open.
    #[prost(bool, tag = "5")]
    pub begin: bool,
    /// Load in a transaction of its own, whatever the session has open.
    #[prost(bool, tag = "6")]
    pub apart: bool,
}

impl Command for Ingest {
    const TYPE_URL: &'static str = "type.duckherder.dev/duckherder.Ingest";
}

/// End the session's transaction. It begins with the first statement that asks for it.
#[derive(Clone, PartialEq, Message)]
pub struct TransactionControl {
    /// Commit when true, roll back when false.
    #[prost(bool, tag = "1")]
    pub commit: bool,
}
