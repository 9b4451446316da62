//! Running a query that was cut into stages on several ducklings.
//!
//! ```text
//!  driver                     worker 0                         worker 1
//!  ┌────────────────┐         ┌─────────────────────────┐      ┌─────────────────────────┐
//!  │ execute()      │         │ DuckDbExec  stage 1 t0  │      │ DuckDbExec  stage 1 t1  │
//!  │  DistributedExec ◄───────┤   inbox ◄───────────────┼──┬───┤   inbox                 │
//!  │  NetworkCoalesce ◄───────┼─────────────────────────┼──│───┤     ▲                   │
//!  └────────────────┘         │ Repartition             │  │   │ Repartition             │
//!                             │ DuckDbExec  stage 0 t0 ─┼──┴──►│ DuckDbExec  stage 0 t1  │
//!                             └─────────────────────────┘      └─────────────────────────┘
//! ```
//!
//! DuckDB computes: a task of a stage is one SELECT on a connection of its worker's instance (`duckdb_exec`, `task`).
//! DataFusion moves batches: its exchanges lie between the stages (`plan`). What arrives at a task waits in an `inbox`,
//! in memory or on disk, so a producer never waits for a consumer that reads another input first: nothing can deadlock.
//! Who the workers are, and where a plan is cut, is decided elsewhere.

mod channels;
mod codec;
mod driver;
mod duckdb_exec;
mod errors;
mod feeds;
mod inbox;
mod leaf;
mod plan;
mod queries;
mod query;
mod reports;
mod task;
mod task_scans;
mod worker;

pub use channels::{DriverAddress, WorkerChannels};
pub use driver::{ExecutionResources, QueryReader, execute};
pub use errors::has_broken_connection;
pub use feeds::Feeds;
pub use queries::Queries;
pub use query::{DistributedQuery, Exchange, Input, Scan, Stage};
pub use worker::{TaskHost, worker};
