//! A worker that offers itself to a driver, again whenever it has none.

use std::sync::Arc;
use std::time::Duration;

use duckling_protocol::{Join, Joined, Leave, RegisterDriver};
use tokio::time::sleep;
use uuid::Uuid;

use super::duty::Target;
use super::error::ClusterError;
use super::identity::versions;
use super::location::parse_location;
use super::peer::Peer;
use super::{ANSWER_TIMEOUT, Cluster, PROBE_TIMEOUT};

/// Between two offers to a driver that is not there.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// The driver looks at the worker, and maybe at another one of that id, before it answers.
const OFFER_TIMEOUT: Duration = ANSWER_TIMEOUT.saturating_mul(3);

impl Cluster {
    /// See to it that this server has a driver, if it was told where one is. Resolves when the driver that it was started
    /// for refuses it.
    pub async fn keep_joined(self: Arc<Self>) -> ClusterError {
        let mut is_warned = false;
        loop {
            let Some((target, wait)) = self.duty.next_offer() else {
                self.duty.changed.notified().await;
                continue;
            };
            if !wait.is_zero() {
                tokio::select! {
                    () = sleep(wait) => {}
                    () = self.duty.changed.notified() => {}
                }
                continue;
            }
            match self.offer(&target.address).await {
                Ok(joined) => {
                    tracing::info!(driver = target.address, worker_id = joined.worker_id, "joined");
                    is_warned = false;
                }
                Err(error) if error.is_passing() => {
                    if !std::mem::replace(&mut is_warned, true) {
                        tracing::warn!(driver = target.address, %error, "cannot join the driver yet: trying again");
                    }
                    sleep(RETRY_INTERVAL).await;
                }
                Err(error) if target.is_from_start => return error,
                Err(error) => {
                    tracing::error!(driver = target.address, %error, "the driver refuses this worker");
                    self.duty.set_target(None);
                }
            }
        }
    }

    /// A client names the driver of this worker. It leaves the one that it had when the new one has taken it.
    ///
    /// # Errors
    /// If there is none, or it refuses; the worker stays where it was.
    pub async fn register_driver(&self, request: RegisterDriver) -> Result<(), ClusterError> {
        let address = parse_location(&request.location)?;
        let former = self.duty.driver();
        self.offer(&address).await?;
        self.duty.set_target(Some(Target {
            address: address.clone(),
            is_from_start: false,
        }));
        tracing::info!(
            driver = address,
            name = request.driver_name,
            "joined the driver that a client has named"
        );
        let current = self.duty.driver().map(|(driver_id, ..)| driver_id);
        if let Some((driver_id, address, worker_id)) = former
            && current.as_ref() != Some(&driver_id)
        {
            self.say_goodbye(&address, worker_id).await;
        }
        Ok(())
    }

    /// Leave the driver: this server stops.
    pub async fn leave(&self) {
        self.duty.stop();
        if let Some((_, address, worker_id)) = self.duty.driver() {
            self.say_goodbye(&address, worker_id).await;
        }
    }

    async fn offer(&self, address: &str) -> Result<Joined, ClusterError> {
        let _turn = self.offering.lock().await;
        let join = Join {
            worker_id: self.config.worker_id.clone().unwrap_or_default(),
            address: self.address(),
            instance_id: self.instance_id.clone(),
            offer_id: Uuid::new_v4().to_string(),
            versions: versions(),
        };
        // A connection of its own for each: the driver may have moved.
        let driver = Peer::new(address)?;
        self.duty.set_offer(Some(join.offer_id.clone()));
        let outcome = driver.join(&join, OFFER_TIMEOUT).await;
        self.duty.set_offer(None);
        outcome
    }

    /// Tell a driver that this worker is its no more. One that does not hear it notices that nobody answers.
    async fn say_goodbye(&self, driver: &str, worker_id: String) {
        let leave = Leave {
            worker_id,
            instance_id: self.instance_id.clone(),
        };
        if let Ok(peer) = Peer::new(driver) {
            let _ = peer.leave(&leave, PROBE_TIMEOUT).await;
        }
    }
}
