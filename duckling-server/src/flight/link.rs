//! The network connection of a client, as the calls on it see it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One network connection. It is in the extensions of every request on it, and gone when the connection is.
pub struct Link {
    peer: SocketAddr,
    session_id: Mutex<Option<String>>,
}

impl Link {
    pub(super) fn new(peer: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            peer,
            session_id: Mutex::default(),
        })
    }

    /// Address of the client.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Id of the session of the calls that name none; absent until the first of them.
    pub fn session_id(&self) -> MutexGuard<'_, Option<String>> {
        self.session_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
