//! The actions of a cluster: `duckherder.Join`, `Heartbeat`, `Release`, `Leave` and `QueryProgress` between servers; `RegisterWorker`,
//! `UnregisterWorker`, `RegisterDriver` and `Workers` from clients.

use std::net::IpAddr;
use std::sync::Arc;

use duckling_protocol::{
    Done, Heartbeat, Join, Joined, Leave, QueryProgress, QueryProgressRequest, RegisterDriver, RegisterWorker, Release,
    UnregisterWorker, WorkerStatus, Workers,
};
use tonic::{Extensions, Status};

use super::link::Link;
use super::status::{from_cluster, internal};
use crate::cluster::Cluster;

/// # Errors
/// If the worker does not fit or cannot be reached.
pub async fn join(cluster: &Arc<Cluster>, join: Join, extensions: &Extensions) -> Result<Joined, Status> {
    let peer = peer(extensions)?;
    cluster.answer_join(join, peer).await.map_err(from_cluster)
}

/// # Errors
/// If this server is another driver's worker.
pub fn heartbeat(cluster: &Cluster, heartbeat: Heartbeat, extensions: &Extensions) -> Result<WorkerStatus, Status> {
    cluster
        .answer_heartbeat(heartbeat, peer(extensions)?)
        .map_err(from_cluster)
}

pub fn release(cluster: &Cluster, release: &Release) -> Done {
    cluster.answer_release(release);
    Done {}
}

pub fn leave(cluster: &Cluster, leave: &Leave) -> Done {
    cluster.answer_leave(leave);
    Done {}
}

/// # Errors
/// If the worker does not fit or cannot be reached.
pub async fn register_worker(cluster: &Arc<Cluster>, request: RegisterWorker) -> Result<Done, Status> {
    cluster.register_worker(request).await.map_err(from_cluster)?;
    Ok(Done {})
}

/// # Errors
/// If there is no such worker.
pub async fn unregister_worker(cluster: &Cluster, request: UnregisterWorker) -> Result<Done, Status> {
    cluster.unregister_worker(request).await.map_err(from_cluster)?;
    Ok(Done {})
}

/// # Errors
/// If the driver cannot be reached, or refuses.
pub async fn register_driver(cluster: &Cluster, request: RegisterDriver) -> Result<Done, Status> {
    cluster.register_driver(request).await.map_err(from_cluster)?;
    Ok(Done {})
}

pub fn query_progress(cluster: &Cluster, request: &QueryProgressRequest) -> QueryProgress {
    QueryProgress {
        tasks_done: cluster.queries().tasks_done(&request.query_id),
    }
}

pub fn workers(cluster: &Cluster) -> Workers {
    Workers {
        workers: cluster.list(),
    }
}

fn peer(extensions: &Extensions) -> Result<IpAddr, Status> {
    let link = extensions.get::<Arc<Link>>();
    link.map(|link| link.peer().ip())
        .ok_or_else(|| internal("a call came over no connection"))
}
