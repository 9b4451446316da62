//! The connections of an instance that are open: to interrupt them all, and to wait until they are gone.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::EngineError;
use super::ffi;

/// How often what still runs is interrupted: an interrupt is forgotten when the next statement of a connection begins.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(super) struct OpenConnections {
    state: Mutex<State>,
    /// A connection has been closed.
    closed: Condvar,
}

#[derive(Default)]
struct State {
    next_id: u64,
    /// Connections that an interrupt can reach.
    reachable: HashMap<u64, Handle>,
    /// Those, and the ones that are being closed just now.
    count: usize,
    closing: bool,
}

struct Handle(*mut ffi::DhEngineConnection);

// SAFETY: only `dh_engine_connection_interrupt` is called on it, which any thread may do.
unsafe impl Send for Handle {}

impl OpenConnections {
    /// Count a connection in before it is opened; dropping the registration counts it out.
    ///
    /// # Errors
    /// `Connection` once the instance is closing.
    pub(super) fn register(self: &Arc<Self>) -> Result<Registration, EngineError> {
        if self.lock().closing {
            return Err(shutting_down());
        }
        Ok(self.register_always())
    }

    /// The same, also while the instance is closing: for what closing itself needs.
    pub(super) fn register_always(self: &Arc<Self>) -> Registration {
        let mut state = self.lock();
        state.count += 1;
        state.next_id += 1;
        Registration {
            connections: self.clone(),
            id: state.next_id,
        }
    }

    /// From now on nothing new is opened, and interrupted statements say why they were.
    pub(super) fn start_closing(&self) {
        self.lock().closing = true;
    }

    pub(super) fn interrupt_all(&self) {
        for Handle(connection) in self.lock().reachable.values() {
            // SAFETY: a connection is taken out of the map, under its lock, before it is freed.
            unsafe { ffi::dh_engine_connection_interrupt(*connection) };
        }
    }

    /// Interrupt until every connection is closed, or `patience` is over. Returns how many are left. Blocks.
    pub(super) fn interrupt_until_closed(&self, patience: Duration) -> usize {
        let deadline = Instant::now() + patience;
        loop {
            self.interrupt_all();
            let state = self.lock();
            if state.count == 0 || Instant::now() >= deadline {
                return state.count;
            }
            drop(
                self.closed
                    .wait_timeout(state, INTERRUPT_INTERVAL)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }

    /// Say what an interrupted statement was interrupted for.
    pub(super) fn explain(&self, error: EngineError) -> EngineError {
        if error.class == EngineError::INTERRUPT && self.lock().closing {
            return shutting_down();
        }
        error
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shutting_down() -> EngineError {
    EngineError::new("Connection", "The server is shutting down")
}

/// Held by a connection for as long as it is open.
pub(super) struct Registration {
    pub(super) connections: Arc<OpenConnections>,
    id: u64,
}

impl Registration {
    /// Interrupts reach the connection from now on.
    pub(super) fn publish(&self, connection: *mut ffi::DhEngineConnection) {
        self.connections.lock().reachable.insert(self.id, Handle(connection));
    }

    /// No interrupt reaches the connection any more: it may be freed.
    pub(super) fn retire(&self) {
        self.connections.lock().reachable.remove(&self.id);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.connections.lock().count -= 1;
        self.connections.closed.notify_all();
    }
}
