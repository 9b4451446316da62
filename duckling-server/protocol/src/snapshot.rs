//! The remote catalog as a client needs it to bind statements.

use prost::Message;

/// Ask for the catalog as the session's transaction sees it.
#[derive(Clone, PartialEq, Message)]
pub struct CatalogRequest {
    /// Version that the client holds; the answer is empty if it is still current.
    #[prost(uint64, optional, tag = "1")]
    pub known_version: Option<u64>,
    /// Start the session's transaction first if none is open.
    #[prost(bool, tag = "2")]
    pub begin: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct CatalogResponse {
    /// Absent when the version that the client holds is current.
    #[prost(message, optional, tag = "1")]
    pub snapshot: Option<CatalogSnapshot>,
}

/// Every schema, table and view of one database at one moment.
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
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub relations: Vec<Relation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum RelationKind {
    Table = 0,
    View = 1,
}

#[derive(Clone, PartialEq, Message)]
pub struct Relation {
    #[prost(enumeration = "RelationKind", tag = "1")]
    pub kind: i32,
    #[prost(string, tag = "2")]
    pub name: String,
    /// The `CREATE` statement: constraints, defaults and generated columns are read from it.
    #[prost(string, tag = "3")]
    pub sql: String,
    #[prost(message, repeated, tag = "4")]
    pub columns: Vec<Column>,
    /// Rows, as DuckDB estimates them.
    #[prost(uint64, tag = "5")]
    pub estimated_rows: u64,
    #[prost(string, optional, tag = "6")]
    pub comment: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Column {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Resolved type as SQL, such as `DECIMAL(15,2)` or `ENUM('a', 'b')`.
    #[prost(string, tag = "2")]
    pub data_type: String,
}
