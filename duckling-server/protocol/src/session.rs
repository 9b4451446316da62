//! Opening and closing a server session.

use prost::Message;

/// Open a session: one DuckDB connection on the server with its own transaction and temporary objects.
#[derive(Clone, PartialEq, Message)]
pub struct OpenSession {
    /// [`crate::PROTOCOL_VERSION`] of the client.
    #[prost(uint32, tag = "1")]
    pub protocol_version: u32,
    /// Database to work on; empty for the server's default.
    #[prost(string, tag = "2")]
    pub database: String,
    /// Also return the names of the functions and databases that the server knows.
    #[prost(bool, tag = "3")]
    pub want_names: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct SessionOpened {
    /// Value for [`crate::SESSION_HEADER`].
    #[prost(string, tag = "1")]
    pub session_id: String,
    /// Version of the server, such as `0.1.0`.
    #[prost(string, tag = "2")]
    pub server_version: String,
    /// Version of the server's DuckDB, such as `v2.0.0`.
    #[prost(string, tag = "3")]
    pub duckdb_version: String,
    /// The database that the session works on.
    #[prost(string, tag = "4")]
    pub database: String,
    /// Lower-case names of the server's functions and macros, sorted; empty unless asked for.
    #[prost(string, repeated, tag = "5")]
    pub functions: Vec<String>,
    /// Lower-case names of the databases that the server's DuckDB has attached, its own included; empty unless asked for.
    #[prost(string, repeated, tag = "6")]
    pub databases: Vec<String>,
}

/// Close the session named in the call's header: its open work is rolled back.
#[derive(Clone, PartialEq, Message)]
pub struct CloseSession {}
