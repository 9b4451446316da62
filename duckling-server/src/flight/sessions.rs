//! The sessions that are open, by id.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use duckling_protocol::SESSION_HEADER;
use tonic::Status;
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use crate::config::quoted_list;
use crate::engine::{Database, EngineError, Session, function_names};
use crate::flight::status::from_engine;

/// The open sessions of one server.
pub struct Sessions {
    instance: Database,
    default_database: String,
    databases: Vec<String>,
    by_id: RwLock<HashMap<String, Arc<Session>>>,
}

impl Sessions {
    /// No session yet; a session that names no database works on `default_database`, others on one of `databases`.
    pub fn new(instance: Database, default_database: String, databases: Vec<String>) -> Self {
        Self {
            instance,
            default_database,
            databases,
            by_id: RwLock::default(),
        }
    }

    /// Names of the functions that a session can call. Blocks.
    pub fn functions(&self) -> Result<Vec<String>, EngineError> {
        function_names(&self.instance.connect()?)
    }

    /// Open a session on a database, the default one if `database` is empty. Blocks.
    pub fn open(&self, database: &str) -> Result<(String, Arc<Session>), EngineError> {
        let session = self.open_unnamed(database)?;
        let id = Uuid::new_v4().to_string();
        self.by_id
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), session.clone());
        Ok((id, session))
    }

    /// Close a session: what runs in it is stopped, and its open transaction is rolled back.
    pub fn close(&self, id: &str) {
        let session = self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(session) = session {
            session.interrupt();
        }
    }

    /// Close every session, as if each client had.
    pub fn close_all(&self) {
        let sessions = std::mem::take(&mut *self.by_id.write().unwrap_or_else(PoisonError::into_inner));
        for session in sessions.values() {
            session.interrupt();
        }
    }

    /// The session that a call names; a call that names none gets one of its own.
    ///
    /// # Errors
    /// `NotFound` if the named session is not open.
    pub fn of(&self, metadata: &MetadataMap) -> Result<Arc<Session>, Status> {
        let Some(id) = metadata.get(SESSION_HEADER) else {
            return self.open_unnamed("").map_err(|error| from_engine(&error));
        };
        let id = id.to_str().unwrap_or_default();
        let session = self
            .by_id
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        session.ok_or_else(|| {
            Status::not_found("the session is not open: it was closed, or the server was restarted since")
        })
    }

    fn open_unnamed(&self, database: &str) -> Result<Arc<Session>, EngineError> {
        let database = if database.is_empty() {
            &self.default_database
        } else {
            // Letter case does not count, as in DuckDB.
            self.databases
                .iter()
                .find(|known| known.eq_ignore_ascii_case(database))
                .ok_or_else(|| self.unknown_database(database))?
        };
        Session::open(&self.instance, database).map(Arc::new)
    }

    fn unknown_database(&self, name: &str) -> EngineError {
        EngineError::new(
            "Catalog",
            format!(
                "Database \"{name}\" does not exist on this server: it has {}",
                quoted_list(self.databases.iter().map(String::as_str))
            ),
        )
    }
}
