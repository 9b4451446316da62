//! DuckDB as the server uses it: databases, connections, sessions and the streams of their results.
//!
//! Owns everything that calls DuckDB, and knows nothing of gRPC. Calls block; [`Session`] is where they meet the async
//! world.

mod catalog;
mod connection;
mod database;
mod error;
mod execution;
mod ffi;
mod outlet;
mod session;
mod stream;

pub use catalog::function_names;
pub use connection::{Connection, Description, ReturnKind};
pub use database::{Database, DatabaseOptions};
pub use error::EngineError;
pub use execution::{Execution, Mode};
pub use outlet::Results;
pub use session::{Conditions, IngestSource, Session};
pub use stream::BatchStream;

/// Quote a name as a SQL identifier.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
