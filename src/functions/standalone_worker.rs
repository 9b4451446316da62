//! The ducklings of this process that wait for a driver: any number, on loopback, with nothing in them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use duckling_server::Config;

use super::duckling::Duckling;
use crate::error::{Error, Result};
use crate::runtime::wait;

static RUNNING: Mutex<Vec<Duckling>> = Mutex::new(Vec::new());

/// Start a worker. It waits for a driver when this returns.
///
/// # Errors
/// `LocalServer` if the port is not free.
pub fn start(port: u16) -> Result<()> {
    let mut running = lock();
    running.retain(|worker| !worker.is_over());
    let worker = wait(&|| None, Duckling::start("a worker", port, Config::default()))?;
    running.push(worker);
    Ok(())
}

/// Stop a worker. It leaves its driver.
///
/// # Errors
/// `LocalServer` if none is running on that port.
pub fn stop(port: u16) -> Result<()> {
    let worker = {
        let mut running = lock();
        let place = running.iter().position(|worker| worker.port() == port);
        place.map(|place| running.swap_remove(place))
    };
    let Some(worker) = worker else {
        return Err(Error::LocalServer(format!(
            "No worker is running on port {port}: start one with SELECT duckherder_start_standalone_worker({port})"
        )));
    };
    wait(&|| None, worker.stop())
}

fn lock() -> MutexGuard<'static, Vec<Duckling>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
