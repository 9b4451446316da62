//! What a driver knows of its workers. In memory: workers that offer themselves do so again when their driver was restarted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use duckling_protocol::{Worker, WorkerStatus};
use tokio::task::AbortHandle;

use super::error::ClusterError;

/// A worker that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerHandle {
    pub id: String,
    /// `http://host:port`.
    pub url: String,
    /// That its DuckDB runs statements with.
    pub threads: u64,
    /// Of its process: another one after a restart, which knows nothing of what was asked before.
    pub instance_id: String,
}

impl WorkerHandle {
    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

/// Ends the task that calls a worker.
pub struct Watch(pub AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Member {
    address: String,
    /// Its last answer.
    status: WorkerStatus,
    last_heartbeat: SystemTime,
    /// When it last answered; absent if it has been found to be gone since.
    seen: Option<Instant>,
    /// Its loss has been told.
    is_reported_lost: bool,
    _watch: Watch,
}

/// What an answer of a worker means.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    None,
    /// It was lost before.
    Back,
    /// It is another process.
    Restarted,
}

/// The workers of one driver, by id.
pub struct Members {
    timeout: Duration,
    by_id: Mutex<BTreeMap<String, Member>>,
}

impl Members {
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            by_id: Mutex::default(),
        }
    }

    /// Take a worker in that has just answered, in the place of one with its id that is lost or the same process.
    ///
    /// # Errors
    /// `DuplicateId` if another one answers to that id.
    pub fn insert(
        &self,
        id: &str,
        address: &str,
        status: WorkerStatus,
        watch: impl FnOnce() -> Watch,
    ) -> Result<(), ClusterError> {
        let mut members = self.lock();
        if let Some(member) = members.get(id)
            && self.is_active(member)
            && member.status.instance_id != status.instance_id
        {
            return Err(ClusterError::DuplicateId {
                id: id.to_string(),
                address: member.address.clone(),
            });
        }
        // A process has one id.
        members.retain(|_, member| member.status.instance_id != status.instance_id);
        let member = Member {
            address: address.to_string(),
            status,
            last_heartbeat: SystemTime::now(),
            seen: Some(Instant::now()),
            is_reported_lost: false,
            _watch: watch(),
        };
        members.insert(id.to_string(), member);
        Ok(())
    }

    /// A worker has answered at `address`.
    pub fn answered(&self, id: &str, address: &str, status: WorkerStatus) -> News {
        let mut members = self.lock();
        let Some(member) = members.get_mut(id).filter(|member| member.address == address) else {
            return News::None;
        };
        let news = if member.status.instance_id != status.instance_id {
            News::Restarted
        } else if member.is_reported_lost {
            News::Back
        } else {
            News::None
        };
        member.status = status;
        member.last_heartbeat = SystemTime::now();
        member.seen = Some(Instant::now());
        member.is_reported_lost = false;
        news
    }

    /// A worker has not answered; true if it is lost with that, and was not before.
    pub fn missed(&self, id: &str) -> bool {
        let mut members = self.lock();
        let Some(member) = members.get_mut(id) else {
            return false;
        };
        let is_lost = member.seen.is_none_or(|seen| seen.elapsed() >= self.timeout);
        is_lost && !std::mem::replace(&mut member.is_reported_lost, true)
    }

    /// A worker's process has been found to be gone; true if it was not lost before.
    pub fn lose(&self, id: &str, instance_id: &str) -> bool {
        let mut members = self.lock();
        let Some(member) = members
            .get_mut(id)
            .filter(|member| member.status.instance_id == instance_id)
        else {
            return false;
        };
        member.seen = None;
        !std::mem::replace(&mut member.is_reported_lost, true)
    }

    /// Address and process of the worker of that id, lost or not.
    pub fn find(&self, id: &str) -> Option<(String, String)> {
        let members = self.lock();
        let member = members.get(id)?;
        Some((member.address.clone(), member.status.instance_id.clone()))
    }

    /// Forget a worker; its address.
    ///
    /// # Errors
    /// `UnknownWorker`.
    pub fn remove(&self, id: &str) -> Result<String, ClusterError> {
        let mut members = self.lock();
        match members.remove(id) {
            Some(member) => Ok(member.address),
            None => Err(ClusterError::UnknownWorker {
                id: id.to_string(),
                workers: members.keys().cloned().collect(),
            }),
        }
    }

    /// Forget a worker if it is still that process; whether it was.
    pub fn remove_instance(&self, id: &str, instance_id: &str) -> bool {
        let mut members = self.lock();
        let is_it = members
            .get(id)
            .is_some_and(|member| member.status.instance_id == instance_id);
        is_it && members.remove(id).is_some()
    }

    /// Forget all; addresses of those that answer.
    pub fn clear(&self) -> Vec<String> {
        let members = std::mem::take(&mut *self.lock());
        let active = members.into_values().filter(|member| self.is_active(member));
        active.map(|member| member.address.clone()).collect()
    }

    /// Those that answer.
    pub fn active(&self) -> Vec<WorkerHandle> {
        let members = self.lock();
        let active = members.iter().filter(|(_, member)| self.is_active(member));
        active
            .map(|(id, member)| WorkerHandle {
                id: id.clone(),
                url: format!("http://{}", member.address),
                threads: member.status.threads,
                instance_id: member.status.instance_id.clone(),
            })
            .collect()
    }

    /// How many answer.
    pub fn active_count(&self) -> usize {
        let members = self.lock();
        members.values().filter(|member| self.is_active(member)).count()
    }

    /// All of them.
    pub fn list(&self) -> Vec<Worker> {
        let members = self.lock();
        members
            .iter()
            .map(|(id, member)| Worker {
                worker_id: id.clone(),
                address: member.address.clone(),
                is_active: self.is_active(member),
                status: member.status.clone(),
                last_heartbeat_us: microseconds_since_1970(member.last_heartbeat),
            })
            .collect()
    }

    fn is_active(&self, member: &Member) -> bool {
        member.seen.is_some_and(|seen| seen.elapsed() < self.timeout)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Member>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn microseconds_since_1970(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
