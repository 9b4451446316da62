//! What a driver does to get workers and to do without them.

use std::net::IpAddr;
use std::sync::Arc;

use duckling_protocol::{Heartbeat, Join, Joined, RegisterWorker, Release, UnregisterWorker, WorkerStatus};
use futures::future::join_all;

use super::error::ClusterError;
use super::heartbeat::check_versions;
use super::identity::complete_address;
use super::location::parse_location;
use super::peer::Peer;
use super::{ANSWER_TIMEOUT, Cluster, PROBE_TIMEOUT};

impl Cluster {
    /// A server that calls from `peer` offers itself as a worker.
    ///
    /// # Errors
    /// If its version or id does not fit, or it cannot be reached where it says.
    pub async fn answer_join(self: &Arc<Self>, join: Join, peer: IpAddr) -> Result<Joined, ClusterError> {
        let address = complete_address(&join.address, peer);
        check_versions(&address, &join.versions)?;
        if join.instance_id == self.instance_id {
            return Err(ClusterError::Itself);
        }
        let worker_id = if join.worker_id.is_empty() {
            address.clone()
        } else {
            join.worker_id
        };
        self.check_id(&worker_id, Some(&join.instance_id)).await?;
        self.claim(&worker_id, &address, Some((&join.offer_id, &join.instance_id)))
            .await?;
        tracing::info!(worker_id, address, "a worker has joined");
        Ok(Joined { worker_id })
    }

    /// A client names a server that is to be a worker.
    ///
    /// # Errors
    /// If the id is taken, or the server cannot be reached, has another version or another driver.
    pub async fn register_worker(self: &Arc<Self>, request: RegisterWorker) -> Result<(), ClusterError> {
        let RegisterWorker { worker_id, location } = request;
        if worker_id.is_empty() {
            return Err(ClusterError::NoId);
        }
        let address = parse_location(&location)?;
        match self.members.find(&worker_id) {
            // It is registered once more, and may have been restarted there.
            Some((known, _)) if known == address => {}
            _ => self.check_id(&worker_id, None).await?,
        }
        self.claim(&worker_id, &address, None).await?;
        tracing::info!(worker_id, address, "a worker was registered");
        Ok(())
    }

    /// A client wants a worker to be none.
    ///
    /// # Errors
    /// `UnknownWorker`.
    pub async fn unregister_worker(&self, request: UnregisterWorker) -> Result<(), ClusterError> {
        let address = self.members.remove(&request.worker_id)?;
        tracing::info!(worker_id = request.worker_id, address, "a worker was unregistered");
        self.release(&address, true).await;
        Ok(())
    }

    /// Let go of all workers: the driver stops.
    pub async fn release_workers(&self) {
        let addresses = self.members.clear();
        join_all(addresses.iter().map(|address| self.release(address, false))).await;
    }

    /// That no other process answers to an id.
    async fn check_id(self: &Arc<Self>, worker_id: &str, instance_id: Option<&str>) -> Result<(), ClusterError> {
        let Some((address, known)) = self.members.find(worker_id) else {
            return Ok(());
        };
        if instance_id == Some(&known) || !self.probe(worker_id, ANSWER_TIMEOUT).await {
            return Ok(());
        }
        Err(ClusterError::DuplicateId {
            id: worker_id.to_string(),
            address,
        })
    }

    /// Call a server for the first time, and watch it from then on. With an offer, it must be the process that made it.
    async fn claim(
        self: &Arc<Self>,
        worker_id: &str,
        address: &str,
        offer: Option<(&str, &str)>,
    ) -> Result<(), ClusterError> {
        if self.duty.is_stopping() {
            return Err(ClusterError::Stopping);
        }
        let peer = Peer::new(address)?;
        let heartbeat = Heartbeat {
            driver_id: self.instance_id.clone(),
            driver_address: self.address(),
            worker_id: worker_id.to_string(),
            claims: true,
            offer_id: offer.map(|(offer_id, _)| offer_id.to_string()).unwrap_or_default(),
        };
        let status = peer.heartbeat(&heartbeat, ANSWER_TIMEOUT).await?;
        let taken = self.take_in(worker_id, &peer, status, offer.map(|(_, instance_id)| instance_id));
        if taken.is_err() {
            self.release(address, false).await;
        }
        taken
    }

    fn take_in(
        self: &Arc<Self>,
        worker_id: &str,
        peer: &Peer,
        status: WorkerStatus,
        instance_id: Option<&str>,
    ) -> Result<(), ClusterError> {
        let address = peer.address();
        if instance_id.is_some_and(|instance_id| status.instance_id != instance_id) {
            return Err(ClusterError::OtherServer {
                address: address.to_string(),
            });
        }
        check_versions(address, &status.versions)?;
        let watch = || self.watch(worker_id, peer.clone());
        self.members.insert(worker_id, address, status, watch)
    }

    /// Tell a worker that it is free. One that does not hear it notices that nobody calls.
    async fn release(&self, address: &str, for_good: bool) {
        let release = Release {
            driver_id: self.instance_id.clone(),
            for_good,
        };
        if let Ok(peer) = Peer::new(address) {
            let _ = peer.release(&release, PROBE_TIMEOUT).await;
        }
    }
}
