//! The Flight SQL client: connections, sessions, results and loads. Knows no DuckDB.

mod cluster;
mod connection;
mod history;
mod ingest;
mod progress;
mod results;
mod session;

pub use connection::Connection;
pub use history::{QueryRecord, clear_query_history, query_history};
pub use ingest::{Ingest, IngestTarget};
pub use progress::Progress;
pub use results::Results;
pub use session::{Session, Statement};
