//! An attached server: where it is, which functions and databases it knows, and the sessions on it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError, RwLock};

use duckling_protocol::LoadExtension;

use crate::client::{Connection, Session};
use crate::error::Result;
use crate::options::AttachOptions;

/// One `ATTACH … (TYPE duckherder)`.
pub struct Catalog {
    connection: Connection,
    database: String,
    display: String,
    functions: RwLock<HashSet<String>>,
    databases: HashSet<String>,
    /// The session that ATTACH opened to look at the server; the first client connection takes it over.
    spare: Mutex<Option<Session>>,
}

impl Catalog {
    /// Reach the server and open a first session there.
    ///
    /// # Errors
    /// `Unreachable` or `NoAnswer` within five seconds; `Remote` if there is no such database.
    pub async fn attach(options: AttachOptions) -> Result<Self> {
        let connection = Connection::new(options.endpoint())?;
        let wanted = options.database.clone().unwrap_or_default();
        let (session, opened) = Session::open(connection.clone(), &wanted, true).await?;
        Ok(Self {
            display: format!("{}/{}", options.endpoint(), opened.database),
            connection,
            database: opened.database,
            functions: RwLock::new(opened.functions.into_iter().collect()),
            databases: opened.databases.into_iter().collect(),
            spare: Mutex::new(Some(session)),
        })
    }

    /// Open a session for one client connection.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn open_session(&self) -> Result<Session> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        match spare {
            Some(session) => Ok(session),
            None => Ok(Session::open(self.connection.clone(), &self.database, false).await?.0),
        }
    }

    /// `host:port/database`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The database on the server.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Whether the server had a database of that lower-case name when it was attached, DuckDB's own included.
    pub fn has_database(&self, lower_name: &str) -> bool {
        self.databases.contains(lower_name)
    }

    /// Whether the server had a function or macro of that lower-case name when it was attached, or when it last loaded an
    /// extension for us.
    pub fn has_function(&self, lower_name: &str) -> bool {
        self.functions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(lower_name)
    }

    /// Have the server install and load an extension. Returns what it has loaded, for the user to read.
    ///
    /// # Errors
    /// What the server's DuckDB says, with what can be done about it.
    pub async fn load_extension(&self, session: &Session, wanted: &LoadExtension) -> Result<String> {
        let loaded = session.load_extension(wanted).await?;
        *self.functions.write().unwrap_or_else(PoisonError::into_inner) = loaded.functions.into_iter().collect();
        let version = if loaded.version.is_empty() {
            String::new()
        } else {
            format!(" {}", loaded.version)
        };
        Ok(format!("{}{version} ({})", loaded.name, loaded.source))
    }
}
