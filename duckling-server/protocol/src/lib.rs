//! What a Duckherder client and a Duckling server say to each other beyond standard Flight SQL.
//!
//! Owns the custom commands, actions, headers and error details, and nothing that touches DuckDB or the network.
//! Commands travel as [`Any`] in a Flight ticket or descriptor, exactly as Flight SQL's own do, so a server tells the
//! two apart by type URL.

mod cluster;
mod command;
mod error_detail;
mod extension;
mod history;
mod secrets;
mod session;
mod snapshot;

pub use cluster::{
    Done, Heartbeat, Join, Joined, Leave, QueryProgress, QueryProgressRequest, RegisterDriver, RegisterWorker, Release,
    UnregisterWorker, Versions, Worker, WorkerStatus, Workers, WorkersRequest,
};
pub use command::{
    Any, Command, Execute, ExecuteAnswer, ExecuteMode, ExecuteProgress, ExpectedColumn, Ingest, ReturnKind, Setting,
    TransactionControl,
};
pub use error_detail::ErrorDetail;
pub use extension::{ExtensionLoaded, LoadExtension};
pub use history::{Distribution, QueryHistory, QueryHistoryRequest, QueryRecord, QueryStatus};
pub use secrets::{shown_error, shown_sql};
pub use session::{CloseSession, OpenSession, SessionOpened};
pub use snapshot::{
    CatalogRequest, CatalogResponse, CatalogSnapshot, Entry, EntryKind, EntryState, Schema, TableIndex,
};

/// Version of this protocol; a server refuses a client whose number differs.
pub const PROTOCOL_VERSION: u32 = 4;

/// Metadata key that names the session of a call; the value is the id that [`SessionOpened`] returned.
pub const SESSION_HEADER: &str = "x-duckherder-session";

/// Application metadata of the last message of an ingest: without it the stream was cut off.
pub const INGEST_END: &[u8] = b"duckherder.end";

/// `DoAction` types of this protocol.
pub mod action {
    /// [`super::OpenSession`] → [`super::SessionOpened`].
    pub const OPEN_SESSION: &str = "duckherder.OpenSession";
    /// [`super::CloseSession`] → nothing.
    pub const CLOSE_SESSION: &str = "duckherder.CloseSession";
    /// [`super::CatalogRequest`] → [`super::CatalogResponse`].
    pub const CATALOG: &str = "duckherder.Catalog";
    /// Nothing → nothing: what runs in the session ends with DuckDB's Interrupt error, unless its effects have come about. Its
    /// own call answers what became of it.
    pub const INTERRUPT: &str = "duckherder.Interrupt";
    /// [`super::TransactionControl`] → nothing.
    pub const TRANSACTION: &str = "duckherder.Transaction";
    /// [`super::LoadExtension`] → [`super::ExtensionLoaded`].
    pub const LOAD_EXTENSION: &str = "duckherder.LoadExtension";
    /// [`super::QueryHistoryRequest`] → [`super::QueryHistory`].
    pub const QUERY_HISTORY: &str = "duckherder.QueryHistory";
    /// [`super::Join`] → [`super::Joined`].
    pub const JOIN: &str = "duckherder.Join";
    /// [`super::Heartbeat`] → [`super::WorkerStatus`].
    pub const HEARTBEAT: &str = "duckherder.Heartbeat";
    /// [`super::Release`] → [`super::Done`].
    pub const RELEASE: &str = "duckherder.Release";
    /// [`super::Leave`] → [`super::Done`].
    pub const LEAVE: &str = "duckherder.Leave";
    /// [`super::RegisterWorker`] → [`super::Done`].
    pub const REGISTER_WORKER: &str = "duckherder.RegisterWorker";
    /// [`super::UnregisterWorker`] → [`super::Done`].
    pub const UNREGISTER_WORKER: &str = "duckherder.UnregisterWorker";
    /// [`super::RegisterDriver`] → [`super::Done`].
    pub const REGISTER_DRIVER: &str = "duckherder.RegisterDriver";
    /// [`super::WorkersRequest`] → [`super::Workers`].
    pub const WORKERS: &str = "duckherder.Workers";
    /// [`super::QueryProgressRequest`] → [`super::QueryProgress`].
    pub const QUERY_PROGRESS: &str = "duckherder.QueryProgress";
    /// All of them, for `ListActions`.
    pub const ALL: [&str; 16] = [
        OPEN_SESSION,
        CLOSE_SESSION,
        CATALOG,
        INTERRUPT,
        TRANSACTION,
        LOAD_EXTENSION,
        QUERY_HISTORY,
        JOIN,
        HEARTBEAT,
        RELEASE,
        LEAVE,
        REGISTER_WORKER,
        UNREGISTER_WORKER,
        REGISTER_DRIVER,
        WORKERS,
        QUERY_PROGRESS,
    ];
}
