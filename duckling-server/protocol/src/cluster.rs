//! Which ducklings work for which: a worker offers itself, its driver calls it again and again, and either ends it.
//!
//! All are actions. Whoever offers itself is called back at the address that it gives, so a worker is one only if its
//! driver can reach it.

use prost::Message;

/// What must be the same on both sides.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Versions {
    /// Of Duckling, such as `0.1.0`.
    #[prost(string, tag = "1")]
    pub duckling: String,
    /// Of its DuckDB, such as `v2.0.0`.
    #[prost(string, tag = "2")]
    pub duckdb: String,
}

/// A worker to its driver: here I am.
#[derive(Clone, PartialEq, Message)]
pub struct Join {
    /// What it is to be called; its address if empty.
    #[prost(string, tag = "1")]
    pub worker_id: String,
    /// `host:port` where it can be reached; without a host, where the call came from.
    #[prost(string, tag = "2")]
    pub address: String,
    /// Of the process.
    #[prost(string, tag = "3")]
    pub instance_id: String,
    /// Comes back in the heartbeat that takes the offer.
    #[prost(string, tag = "4")]
    pub offer_id: String,
    #[prost(message, required, tag = "5")]
    pub versions: Versions,
}

/// The driver has reached the worker and taken it.
#[derive(Clone, PartialEq, Message)]
pub struct Joined {
    #[prost(string, tag = "1")]
    pub worker_id: String,
}

/// A driver to a worker: are you there?
#[derive(Clone, PartialEq, Message)]
pub struct Heartbeat {
    /// Of the driver's process.
    #[prost(string, tag = "1")]
    pub driver_id: String,
    /// `host:port` of the driver; without a host, where the call came from.
    #[prost(string, tag = "2")]
    pub driver_address: String,
    /// What the driver calls the worker.
    #[prost(string, tag = "3")]
    pub worker_id: String,
    /// The first one: be my worker.
    #[prost(bool, tag = "4")]
    pub claims: bool,
    /// The offer that it takes, if the worker has made one.
    #[prost(string, tag = "5")]
    pub offer_id: String,
}

/// How a worker is.
#[derive(Clone, PartialEq, Message)]
pub struct WorkerStatus {
    /// Of the process: another one than before if it was restarted.
    #[prost(string, tag = "1")]
    pub instance_id: String,
    #[prost(message, required, tag = "2")]
    pub versions: Versions,
    /// That its DuckDB runs statements with.
    #[prost(uint64, tag = "3")]
    pub threads: u64,
    #[prost(uint64, tag = "4")]
    pub memory_limit_bytes: u64,
    #[prost(uint64, tag = "5")]
    pub memory_used_bytes: u64,
    #[prost(uint64, tag = "6")]
    pub tasks_running: u64,
    /// Since the process began.
    #[prost(uint64, tag = "7")]
    pub tasks_done: u64,
}

/// A driver to its worker: you are free.
#[derive(Clone, PartialEq, Message)]
pub struct Release {
    #[prost(string, tag = "1")]
    pub driver_id: String,
    /// Do not offer yourself again.
    #[prost(bool, tag = "2")]
    pub for_good: bool,
}

/// A worker to its driver: I go.
#[derive(Clone, PartialEq, Message)]
pub struct Leave {
    #[prost(string, tag = "1")]
    pub worker_id: String,
    #[prost(string, tag = "2")]
    pub instance_id: String,
}

/// A client to a driver: take the server at `location` as a worker.
#[derive(Clone, PartialEq, Message)]
pub struct RegisterWorker {
    #[prost(string, tag = "1")]
    pub worker_id: String,
    /// `grpc://host:port`.
    #[prost(string, tag = "2")]
    pub location: String,
}

/// A client to a driver: do without a worker.
#[derive(Clone, PartialEq, Message)]
pub struct UnregisterWorker {
    #[prost(string, tag = "1")]
    pub worker_id: String,
}

/// A client to a worker: your driver is at `location`.
#[derive(Clone, PartialEq, Message)]
pub struct RegisterDriver {
    /// What the driver is called in messages.
    #[prost(string, tag = "1")]
    pub driver_name: String,
    /// `grpc://host:port`.
    #[prost(string, tag = "2")]
    pub location: String,
}

/// A client to a driver: which workers are there?
#[derive(Clone, PartialEq, Message)]
pub struct WorkersRequest {}

/// By id.
#[derive(Clone, PartialEq, Message)]
pub struct Workers {
    #[prost(message, repeated, tag = "1")]
    pub workers: Vec<Worker>,
}

/// A worker as its driver knows it.
#[derive(Clone, PartialEq, Message)]
pub struct Worker {
    #[prost(string, tag = "1")]
    pub worker_id: String,
    /// `host:port`.
    #[prost(string, tag = "2")]
    pub address: String,
    /// It answers; else it is lost.
    #[prost(bool, tag = "3")]
    pub is_active: bool,
    /// When it last answered.
    #[prost(message, required, tag = "4")]
    pub status: WorkerStatus,
    /// In microseconds since 1970, UTC.
    #[prost(int64, tag = "5")]
    pub last_heartbeat_us: i64,
}

/// A driver to its worker: how far are you with my query?
#[derive(Clone, PartialEq, Message)]
pub struct QueryProgressRequest {
    #[prost(string, tag = "1")]
    pub query_id: String,
}

/// What a worker has done of a query.
#[derive(Clone, PartialEq, Message)]
pub struct QueryProgress {
    /// Tasks; those that run count in part.
    #[prost(double, tag = "1")]
    pub tasks_done: f64,
}

/// The answer of an action that has nothing to say.
#[derive(Clone, PartialEq, Message)]
pub struct Done {}
