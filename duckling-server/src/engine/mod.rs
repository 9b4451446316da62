//! DuckDB as the server uses it: databases, connections, sessions and the streams of their results.
//!
//! Owns everything that calls DuckDB, and knows nothing of gRPC. Calls block; [`Session`] is where they meet the async
//! world.

mod bind;
mod catalog;
mod catalog_entries;
mod conditions;
mod connection;
mod database;
mod distribution;
mod error;
mod execution;
mod extensions;
mod feed;
mod ffi;
mod fragment;
mod history;
mod icu;
mod load;
mod meter;
mod object_stores;
mod off_runtime;
mod open_connections;
mod outlet;
mod prepared;
mod progress;
mod session;
mod session_options;
mod spill;
mod storage;
mod stream;
mod working;

pub use catalog::{database_names, function_names};
pub use conditions::Conditions;
pub use connection::{Connection, Description, ExpectedColumn, ReturnKind};
pub use database::{Database, Resources, check_setting, duckdb_version};
pub use distribution::{Amount, Batches, Interrupt, ProgressProbe, QueryReport, QueryRunner, RemoteQuery, TaskReport};
pub use error::{EngineError, Subtype};
pub use execution::{Execution, Mode};
pub use extensions::{failure as extension_failure, load_extension};
pub use feed::Feed;
pub use fragment::FragmentInput;
pub use history::{Client, History, QueryRecord, SentBytes};
pub use icu::has_icu;
pub use load::{BulkLoad, IfExists, IfMissing, Load};
pub use meter::{Distribution, Usage};
pub use object_stores::is_object_url;
pub use off_runtime::drop_off_runtime;
pub use outlet::{Canceller, Results};
pub use prepared::{Parameters, Prepared};
pub use progress::Progress;
pub use session::Session;
pub use session_options::SessionOptions;
pub use spill::{SpillFile, SpilledBatch};
pub use storage::{Storage, StorageFile};
pub use stream::BatchStream;

/// Quote a name as a SQL identifier.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quote a text as a SQL string.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
