//! All unsafe code of the shell: DuckDB's C API and the C++ bridge behind safe, owning types.
//! A type owns its handle and borrows what the handle reads; nothing else in the crate sees a raw pointer.

mod connection;
mod ffi;
mod query;
mod session;

pub use connection::{Connection, InterruptHandle, library_version};
pub use query::{BoxConfig, ChunkFormat, ColumnClass, Columns, Query, QueryKind};
pub use session::{InputState, Session, release_codename, release_commit};
