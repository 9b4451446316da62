//! Which ducklings belong together: the workers of this server, and the driver that it is a worker of.
//!
//! Every server can be both. A worker offers itself (`join`), or a client names it (`driver`); in both cases the driver then
//! calls the worker about once a second (`heartbeat`), which is how each knows that the other is there. `members` is what a
//! driver knows of its workers, `duty` what a worker knows of its driver, `peer` how they call each other. No lock is held
//! across a call.

mod driver;
mod duty;
mod error;
pub mod execution;
mod heartbeat;
mod identity;
mod join;
mod location;
mod members;
mod peer;
mod queries;
mod query_progress;
mod tasks;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use duckling_protocol::{Heartbeat, Leave, Release, Worker, WorkerStatus};
use tokio::sync::Mutex as AsyncMutex;

use crate::config::ClusterConfig;
use crate::engine::{Database, EngineError};

pub use error::ClusterError;
pub use location::{check_address, parse_location};
pub use members::WorkerHandle;
pub use queries::ClusterQueries;
pub use tasks::{RunningTask, TaskCounters};

use duty::Duty;
use execution::Queries;
use identity::{advertised_address, versions};
use members::Members;

/// How long a worker that may be gone may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the other side may take to answer where nobody is in a hurry.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// One server's part in a cluster.
pub struct Cluster {
    config: ClusterConfig,
    instance: Database,
    /// Of this process: a restarted one has another.
    instance_id: String,
    /// Where others reach this server: `host:port`, or `:port` if only they know the host.
    address: OnceLock<String>,
    /// Where it listens.
    listener: OnceLock<SocketAddr>,
    members: Members,
    duty: Duty,
    tasks: Arc<TaskCounters>,
    queries: Arc<Queries>,
    /// Held while this server offers itself: one offer at a time.
    offering: AsyncMutex<()>,
}

impl Cluster {
    /// The part of a server that has no workers yet, and is none.
    pub fn new(config: ClusterConfig, instance: Database) -> Arc<Self> {
        let instance_id = uuid::Uuid::new_v4().to_string();
        Arc::new(Self {
            members: Members::new(config.worker_timeout),
            duty: Duty::new(config.join.clone(), config.worker_timeout),
            instance,
            instance_id,
            address: OnceLock::new(),
            listener: OnceLock::new(),
            tasks: Arc::default(),
            queries: Arc::default(),
            offering: AsyncMutex::default(),
            config,
        })
    }

    /// Tell others from now on that the server is reached where it listens, unless it is configured to say otherwise.
    pub fn listens_on(&self, listener: SocketAddr) {
        let address = self.config.advertise.clone();
        let address = address.unwrap_or_else(|| advertised_address(listener));
        // Set once: a server is served once.
        let _ = self.address.set(address);
        let _ = self.listener.set(listener);
    }

    /// The workers that answer, by id.
    pub fn workers(&self) -> Vec<WorkerHandle> {
        self.members.active()
    }

    /// How many workers answer.
    pub fn worker_count(&self) -> usize {
        self.members.active_count()
    }

    /// All workers, also those that are lost, by id.
    pub fn list(&self) -> Vec<Worker> {
        self.members.list()
    }

    /// A worker did not do what was asked of it: look at once whether it is still there. Returns false if it does not
    /// answer within a second, or is not that process any more; it is lost then, until it answers again.
    pub async fn report_failure(self: &Arc<Self>, worker_id: &str) -> bool {
        self.probe(worker_id, PROBE_TIMEOUT).await
    }

    /// What this server does for its driver.
    pub fn tasks(&self) -> &Arc<TaskCounters> {
        &self.tasks
    }

    /// The queries that it has tasks of.
    pub fn queries(&self) -> &Arc<Queries> {
        &self.queries
    }

    /// Answer a driver that calls from `peer`.
    ///
    /// # Errors
    /// If this server is the worker of another driver.
    pub fn answer_heartbeat(&self, heartbeat: Heartbeat, peer: IpAddr) -> Result<WorkerStatus, ClusterError> {
        if heartbeat.driver_id == self.instance_id {
            return Err(ClusterError::Itself);
        }
        // Before the duty begins, which an instance that is closing cannot do.
        let status = self.status()?;
        self.duty.accept(heartbeat, peer)?;
        Ok(status)
    }

    /// The driver does without this worker.
    pub fn answer_release(&self, release: &Release) {
        self.duty.release(&release.driver_id, release.for_good);
    }

    /// A worker goes.
    pub fn answer_leave(&self, leave: &Leave) {
        if self.members.remove_instance(&leave.worker_id, &leave.instance_id) {
            tracing::info!(worker_id = leave.worker_id, "a worker has left");
        }
    }

    fn status(&self) -> Result<WorkerStatus, EngineError> {
        let resources = self.instance.resources()?;
        Ok(WorkerStatus {
            instance_id: self.instance_id.clone(),
            versions: versions(),
            threads: resources.threads,
            memory_limit_bytes: resources.memory_limit_bytes,
            memory_used_bytes: resources.memory_used_bytes,
            tasks_running: self.tasks.running(),
            tasks_done: self.tasks.done(),
        })
    }

    /// Where this server reaches itself: `host:port`.
    fn own_address(&self) -> Option<String> {
        let mut address = *self.listener.get()?;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Some(address.to_string())
    }

    /// Where this server reaches the driver that has it: `host:port`.
    pub fn driver_address(&self) -> Option<String> {
        let (_, address, _) = self.duty.driver()?;
        Some(address)
    }

    fn address(&self) -> String {
        self.address.get().cloned().unwrap_or_default()
    }
}
