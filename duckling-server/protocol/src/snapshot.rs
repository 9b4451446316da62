//! The remote catalog as a client needs it to bind statements and to list what there is.

use prost::Message;

/// Ask for the catalog as the session's transaction sees it.
#[derive(Clone, PartialEq, Message)]
pub struct CatalogRequest {
    /// Version that the client holds; the answer has no snapshot if it is still current.
    #[prost(uint64, optional, tag = "1")]
    pub known_version: Option<u64>,
    /// Start the session's transaction first if none is open.
    #[prost(bool, tag = "2")]
    pub begin: bool,
    /// Also tell the states of entries when the client's version is current.
    #[prost(bool, tag = "3")]
    pub want_states: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct CatalogResponse {
    /// Absent when the version that the client holds is current.
    #[prost(message, optional, tag = "1")]
    pub snapshot: Option<CatalogSnapshot>,
    /// Beside a snapshot, and where they were asked for.
    #[prost(message, repeated, tag = "2")]
    pub states: Vec<EntryState>,
}

/// Every schema of one database at one moment, and what is in it.
#[derive(Clone, PartialEq, Message)]
pub struct CatalogSnapshot {
    /// Identifies this state of the catalog. Grows with every committed change while the server runs; the upper half is
    /// another one with every start of the server. Source: `Catalog::GetCatalogVersion`.
    #[prost(uint64, tag = "1")]
    pub version: u64,
    #[prost(message, repeated, tag = "2")]
    pub schemas: Vec<Schema>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Schema {
    /// The schema's own name, after those of the schemas around it.
    #[prost(string, repeated, tag = "1")]
    pub path: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<Entry>,
    /// DuckDB's own, such as `main`.
    #[prost(bool, tag = "3")]
    pub internal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum EntryKind {
    Table = 0,
    View = 1,
    Index = 2,
    Sequence = 3,
    Type = 4,
    Macro = 5,
    TableMacro = 6,
}

/// Something that was created in a schema.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    #[prost(enumeration = "EntryKind", tag = "1")]
    pub kind: i32,
    #[prost(string, tag = "2")]
    pub name: String,
    /// The `CREATE` statement with comments, tags and resolved types, as DuckDB writes it into its files. SQL text says
    /// less. Source: `CreateInfo::Serialize`.
    #[prost(bytes = "vec", tag = "3")]
    pub definition: Vec<u8>,
    /// Names the entry in [`EntryState`].
    #[prost(uint64, tag = "4")]
    pub oid: u64,
    /// Of a table, those of its keys included.
    #[prost(message, repeated, tag = "5")]
    pub indexes: Vec<TableIndex>,
}

/// An index as a statement that writes to its table needs to know it.
#[derive(Clone, PartialEq, Message)]
pub struct TableIndex {
    #[prost(bool, tag = "1")]
    pub unique: bool,
    #[prost(bool, tag = "2")]
    pub primary: bool,
    #[prost(bool, tag = "3")]
    pub foreign: bool,
    /// Physical numbers of its columns.
    #[prost(uint64, repeated, tag = "4")]
    pub columns: Vec<u64>,
}

/// What changes about a table or sequence without a new version of the catalog.
#[derive(Clone, PartialEq, Message)]
pub struct EntryState {
    #[prost(uint64, tag = "1")]
    pub oid: u64,
    /// Rows of a table, as DuckDB estimates them.
    #[prost(uint64, tag = "2")]
    pub rows: u64,
    /// How often the sequence was used.
    #[prost(uint64, tag = "3")]
    pub usage_count: u64,
    /// The sequence's next value.
    #[prost(int64, tag = "4")]
    pub counter: i64,
    /// The sequence's last value.
    #[prost(int64, optional, tag = "5")]
    pub last_value: Option<i64>,
    /// Different values in each column of a table, as DuckDB estimates them; 0 where it does not.
    #[prost(uint64, repeated, tag = "6")]
    pub distinct_counts: Vec<u64>,
}
