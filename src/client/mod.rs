//! The Flight SQL client: connections, sessions, results and loads. Knows no DuckDB.

mod connection;
mod ingest;
mod results;
mod session;

pub use connection::Connection;
pub use ingest::{Ingest, IngestTarget};
pub use results::Results;
pub use session::{Session, Statement};
