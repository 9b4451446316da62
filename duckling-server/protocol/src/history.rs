//! What a server has recorded of the statements that it ran.

use prost::Message;

/// Ask for all records that the server still has.
#[derive(Clone, PartialEq, Message)]
pub struct QueryHistoryRequest {}

/// The records, oldest first.
#[derive(Clone, PartialEq, Message)]
pub struct QueryHistory {
    #[prost(message, repeated, tag = "1")]
    pub records: Vec<QueryRecord>,
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum QueryStatus {
    Running = 0,
    Finished = 1,
    Failed = 2,
    Cancelled = 3,
}

impl QueryStatus {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One statement that a client had the server run.
#[derive(Clone, PartialEq, Message)]
pub struct QueryRecord {
    /// Statements are numbered as they arrive.
    #[prost(uint64, tag = "1")]
    pub query_id: u64,
    /// What the client called itself; nobody has checked it.
    #[prost(string, optional, tag = "2")]
    pub user_name: Option<String>,
    #[prost(string, tag = "3")]
    pub session_id: String,
    /// As [`crate::shown_sql`] shows it.
    #[prost(string, tag = "4")]
    pub sql: String,
    /// When it arrived, in microseconds since 1970.
    #[prost(int64, tag = "5")]
    pub started_us: i64,
    /// Until its result was sent or given up; so far, if it runs.
    #[prost(uint64, tag = "6")]
    pub duration_us: u64,
    /// Rows that were returned, or changed by a statement that counts them.
    #[prost(uint64, tag = "7")]
    pub rows: u64,
    /// Messages of its result, as they go over the network.
    #[prost(uint64, tag = "8")]
    pub sent_bytes: u64,
    /// Of the threads that worked on it.
    #[prost(uint64, tag = "9")]
    pub cpu_us: u64,
    /// What the whole DuckDB instance held at most while DuckDB worked on it.
    #[prost(uint64, tag = "10")]
    pub peak_memory_bytes: u64,
    /// By how much the temporary files of the instance grew at most meanwhile, and what was spilled of its result.
    #[prost(uint64, tag = "11")]
    pub spilled_bytes: u64,
    #[prost(enumeration = "QueryStatus", tag = "12")]
    pub status: i32,
    /// What it failed with, as [`crate::shown_error`] shows it.
    #[prost(string, optional, tag = "13")]
    pub error: Option<String>,
    /// If other ducklings did a part of it.
    #[prost(message, optional, tag = "14")]
    pub distribution: Option<Distribution>,
}

/// What the workers of a server have done for a statement, which may have several parts that they run.
#[derive(Clone, PartialEq, Message)]
pub struct Distribution {
    /// How the tasks divide what they read: of the part with most tasks.
    #[prost(string, tag = "1")]
    pub mode: String,
    /// How their rows come together: of the same part.
    #[prost(string, tag = "2")]
    pub merge: String,
    /// Workers that had tasks: of the part with most of them; 0 until the first part has ended.
    #[prost(uint64, tag = "3")]
    pub workers: u64,
    /// Of all parts.
    #[prost(uint64, tag = "4")]
    pub tasks: u64,
    #[prost(uint64, tag = "5")]
    pub stages: u64,
    /// What went between tasks, and to the driver; of the parts that have ended.
    #[prost(uint64, tag = "6")]
    pub exchanged_rows: u64,
    /// Of Arrow buffers.
    #[prost(uint64, tag = "7")]
    pub exchanged_bytes: u64,
    /// CPU time of the tasks of those parts.
    #[prost(uint64, tag = "8")]
    pub cpu_us: u64,
}
