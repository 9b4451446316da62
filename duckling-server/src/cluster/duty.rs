//! What a worker knows of its driver: at most one at a time has it.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use duckling_protocol::Heartbeat;
use tokio::sync::Notify;

use super::error::ClusterError;
use super::identity::complete_address;

/// Where a worker offers itself whenever it has no driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// The process is of no use without it.
    pub is_from_start: bool,
}

#[derive(Clone)]
struct Driver {
    id: String,
    address: String,
    /// What it calls this worker.
    worker_id: String,
    last_called: Instant,
}

#[derive(Default)]
struct State {
    driver: Option<Driver>,
    target: Option<Target>,
    /// The offer that a driver may take just now, whoever else has this worker.
    offer_id: Option<String>,
    is_stopping: bool,
}

/// One worker's relation to its driver.
pub struct Duty {
    /// A driver that has not called for so long has this worker no more.
    timeout: Duration,
    state: Mutex<State>,
    /// Whether an offer is due may have changed.
    pub changed: Notify,
}

impl Duty {
    pub fn new(join: Option<String>, timeout: Duration) -> Self {
        let target = join.map(|address| Target {
            address,
            is_from_start: true,
        });
        Self {
            timeout,
            state: Mutex::new(State {
                target,
                ..State::default()
            }),
            changed: Notify::new(),
        }
    }

    /// A driver calls.
    ///
    /// # Errors
    /// If another one has this worker, or it offers itself to another one.
    pub fn accept(&self, heartbeat: Heartbeat, peer: IpAddr) -> Result<(), ClusterError> {
        let mut state = self.lock();
        if state.is_stopping {
            return Err(ClusterError::Stopping);
        }
        let takes_offer = heartbeat.claims && state.offer_id.as_deref() == Some(&heartbeat.offer_id);
        if !takes_offer {
            let is_same = |driver: &Driver| driver.id == heartbeat.driver_id && driver.worker_id == heartbeat.worker_id;
            match (&state.driver, &state.target) {
                (Some(driver), _) if is_same(driver) => {}
                (Some(driver), _) if driver.last_called.elapsed() < self.timeout => {
                    return Err(ClusterError::Taken {
                        worker_id: driver.worker_id.clone(),
                        driver: driver.address.clone(),
                    });
                }
                // One that had it before: this process, or one that was here before, is about to say where it belongs.
                (_, Some(target)) if !heartbeat.claims => {
                    return Err(ClusterError::Offering {
                        driver: target.address.clone(),
                    });
                }
                _ => {}
            }
        }
        let is_new = state
            .driver
            .as_ref()
            .is_none_or(|driver| driver.id != heartbeat.driver_id);
        let address = complete_address(&heartbeat.driver_address, peer);
        if is_new {
            tracing::info!(
                driver = address,
                worker_id = heartbeat.worker_id,
                "a driver has taken this worker"
            );
        }
        state.driver = Some(Driver {
            id: heartbeat.driver_id,
            address,
            worker_id: heartbeat.worker_id,
            last_called: Instant::now(),
        });
        Ok(())
    }

    /// The driver does without this worker.
    pub fn release(&self, driver_id: &str, for_good: bool) {
        let mut state = self.lock();
        if state.driver.as_ref().is_some_and(|driver| driver.id == driver_id) {
            state.driver = None;
            if for_good {
                state.target = None;
            }
            self.changed.notify_one();
        }
    }

    /// Where to offer this worker, and in how long from now; absent if nowhere.
    pub fn next_offer(&self) -> Option<(Target, Duration)> {
        let state = self.lock();
        let target = state.target.clone().filter(|_| !state.is_stopping)?;
        let driver = state.driver.as_ref();
        let wait = driver.map(|driver| self.timeout.saturating_sub(driver.last_called.elapsed()));
        Some((target, wait.unwrap_or_default()))
    }

    /// Let the driver that takes this offer have the worker.
    pub fn set_offer(&self, offer_id: Option<String>) {
        self.lock().offer_id = offer_id;
    }

    /// Offer this worker there from now on, whenever it has no driver.
    pub fn set_target(&self, target: Option<Target>) {
        self.lock().target = target;
        self.changed.notify_one();
    }

    /// Process and address of the driver that has this worker, and what it calls it.
    pub fn driver(&self) -> Option<(String, String, String)> {
        let state = self.lock();
        let driver = state.driver.as_ref()?;
        (driver.last_called.elapsed() < self.timeout)
            .then(|| (driver.id.clone(), driver.address.clone(), driver.worker_id.clone()))
    }

    /// No driver gets this worker any more.
    pub fn stop(&self) {
        self.lock().is_stopping = true;
        self.changed.notify_one();
    }

    /// This server is about to end.
    pub fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
