//! What C++ may call about a server's workers, and these as it reads them. The rules are those of `callbacks`.

use duckling_protocol::{RegisterDriver, RegisterWorker, UnregisterWorker, Worker};

use super::callbacks::interrupted;
use super::ffi::{DhError, DhInterrupt, DhStr, DhWorker, DhWorkers};
use super::guard::{guard, guard_infallible};
use super::handle::{borrow, free, give};
use crate::client::Session;
use crate::error::Result;
use crate::runtime::wait;

/// The view that C++ sees, and the texts it points into.
#[repr(C)]
pub struct WorkersHandle {
    // First, so that a pointer to the handle is one to the view.
    view: DhWorkers,
    _views: Vec<DhWorker>,
    _workers: Vec<(Worker, String)>,
}

impl WorkersHandle {
    pub fn new(workers: Vec<Worker>) -> Self {
        let with_version = |worker: Worker| {
            let versions = &worker.status.versions;
            let version = format!("{} (DuckDB {})", versions.duckling, versions.duckdb);
            (worker, version)
        };
        let workers: Vec<_> = workers.into_iter().map(with_version).collect();
        // Both keep their heap addresses when the handle moves.
        let views: Vec<_> = workers.iter().map(|(worker, version)| view(worker, version)).collect();
        Self {
            view: DhWorkers {
                workers: views.as_ptr(),
                worker_count: views.len(),
            },
            _views: views,
            _workers: workers,
        }
    }
}

fn view(worker: &Worker, version: &str) -> DhWorker {
    DhWorker {
        id: worker.worker_id.as_str().into(),
        address: worker.address.as_str().into(),
        is_active: worker.is_active,
        threads: worker.status.threads,
        memory_limit_bytes: worker.status.memory_limit_bytes,
        memory_used_bytes: worker.status.memory_used_bytes,
        tasks_running: worker.status.tasks_running,
        tasks_done: worker.status.tasks_done,
        last_heartbeat_us: worker.last_heartbeat_us,
        version: version.into(),
    }
}

/// Have the server do something with the server at a location.
fn register(
    session: *const Session,
    id: DhStr,
    location: DhStr,
    interrupt: *const DhInterrupt,
    ask: impl AsyncFnOnce(&Session, String, String) -> Result<()>,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive, and the texts live for the call.
        let (session, id, location) = unsafe { (borrow(session)?, id.as_str(), location.as_str()) };
        wait(
            &interrupted(interrupt),
            ask(session, id.to_string(), location.to_string()),
        )
    })
}

pub extern "C" fn session_register_worker(
    session: *const Session,
    id: DhStr,
    location: DhStr,
    interrupt: *const DhInterrupt,
) -> *mut DhError {
    register(
        session,
        id,
        location,
        interrupt,
        async |session, worker_id, location| session.register_worker(&RegisterWorker { worker_id, location }).await,
    )
}

pub extern "C" fn session_unregister_worker(
    session: *const Session,
    id: DhStr,
    interrupt: *const DhInterrupt,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive, and the text lives for the call.
        let (session, worker_id) = unsafe { (borrow(session)?, id.as_str()) };
        let request = UnregisterWorker {
            worker_id: worker_id.to_string(),
        };
        wait(&interrupted(interrupt), session.unregister_worker(&request))
    })
}

pub extern "C" fn session_register_driver(
    session: *const Session,
    id: DhStr,
    location: DhStr,
    interrupt: *const DhInterrupt,
) -> *mut DhError {
    register(
        session,
        id,
        location,
        interrupt,
        async |session, driver_name, location| session.register_driver(&RegisterDriver { driver_name, location }).await,
    )
}

pub extern "C" fn session_workers(
    session: *const Session,
    interrupt: *const DhInterrupt,
    out: *mut *mut DhWorkers,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive.
        let session = unsafe { borrow(session) }?;
        let workers = wait(&interrupted(interrupt), session.workers())?;
        // SAFETY: C++ passes a valid `out`; the view is the handle's first field.
        unsafe { give(out.cast::<*mut WorkersHandle>(), WorkersHandle::new(workers)) };
        Ok(())
    })
}

pub extern "C" fn workers_free(workers: *mut DhWorkers) {
    // SAFETY: the view is the first field of a handle that C++ frees once.
    guard_infallible(|| unsafe { free(workers.cast::<WorkersHandle>()) });
}
