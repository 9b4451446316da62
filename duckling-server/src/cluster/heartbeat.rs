//! A driver's calls to its workers: one task per worker, about one call a second.

use std::sync::{Arc, Weak};
use std::time::Duration;

use duckling_protocol::{Heartbeat, Versions, WorkerStatus};
use tokio::time::sleep;

use super::Cluster;
use super::error::ClusterError;
use super::identity::versions;
use super::members::{News, Watch};
use super::peer::Peer;

/// Between two calls of a worker; less if a worker is lost sooner.
const INTERVAL: Duration = Duration::from_secs(1);
/// Calls that may be missed before a worker is lost.
const CALLS_PER_TIMEOUT: u32 = 4;
/// A call without an answer is given up after so long, and made on a new connection.
const MAX_CALL_TIMEOUT: Duration = Duration::from_secs(5);

impl Cluster {
    /// Call a worker again and again, until the watch is dropped.
    pub(super) fn watch(self: &Arc<Self>, worker_id: &str, peer: Peer) -> Watch {
        let timeout = self.config.worker_timeout;
        let pace = Pace {
            interval: INTERVAL.min(timeout / CALLS_PER_TIMEOUT),
            call_timeout: MAX_CALL_TIMEOUT.min(timeout),
        };
        let watching = keep_calling(Arc::downgrade(self), worker_id.to_string(), peer, pace);
        Watch(tokio::spawn(watching).abort_handle())
    }

    /// Look at once whether a worker's process is still there.
    pub(super) async fn probe(self: &Arc<Self>, worker_id: &str, limit: Duration) -> bool {
        let Some((address, instance_id)) = self.members.find(worker_id) else {
            return false;
        };
        // On a connection of its own: one that is broken does not say so.
        let outcome = match Peer::new(&address) {
            Ok(peer) => self.call(worker_id, &peer, limit).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(status) => {
                let is_same = status.instance_id == instance_id;
                self.note(worker_id, &address, Ok(status));
                is_same
            }
            Err(error) => {
                if self.members.lose(worker_id, &instance_id) {
                    tracing::warn!(worker_id, address, %error, "a worker is lost");
                }
                false
            }
        }
    }

    async fn call(&self, worker_id: &str, peer: &Peer, limit: Duration) -> Result<WorkerStatus, ClusterError> {
        let heartbeat = Heartbeat {
            driver_id: self.instance_id.clone(),
            driver_address: self.address(),
            worker_id: worker_id.to_string(),
            claims: false,
            offer_id: String::new(),
        };
        let status = peer.heartbeat(&heartbeat, limit).await?;
        check_versions(peer.address(), &status.versions)?;
        Ok(status)
    }

    fn note(&self, worker_id: &str, address: &str, outcome: Result<WorkerStatus, ClusterError>) {
        let error = match outcome {
            Ok(status) => {
                match self.members.answered(worker_id, address, status) {
                    News::None => {}
                    News::Back => tracing::info!(worker_id, address, "a worker is back"),
                    News::Restarted => tracing::info!(worker_id, address, "a worker was restarted"),
                }
                return;
            }
            Err(error) => error,
        };
        let is_news = match (&error, self.members.find(worker_id)) {
            // It answers, but not for us.
            (error, Some((_, instance_id))) if !error.is_passing() => self.members.lose(worker_id, &instance_id),
            _ => self.members.missed(worker_id),
        };
        if is_news {
            tracing::warn!(worker_id, address, %error, "a worker is lost");
        }
    }
}

/// What is called how often.
struct Pace {
    interval: Duration,
    call_timeout: Duration,
}

/// # Errors
/// `Version` if the worker's differ from ours.
pub(super) fn check_versions(address: &str, worker: &Versions) -> Result<(), ClusterError> {
    let driver = versions();
    if *worker == driver {
        return Ok(());
    }
    Err(ClusterError::Version {
        address: address.to_string(),
        worker: worker.clone(),
        driver,
    })
}

async fn keep_calling(cluster: Weak<Cluster>, worker_id: String, mut peer: Peer, pace: Pace) {
    loop {
        sleep(pace.interval).await;
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        let outcome = cluster.call(&worker_id, &peer, pace.call_timeout).await;
        if outcome.is_err() {
            // A connection on which nothing arrives may never say that it is broken.
            if let Ok(fresh) = Peer::new(peer.address()) {
                peer = fresh;
            }
        }
        cluster.note(&worker_id, peer.address(), outcome);
    }
}
