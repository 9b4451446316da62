//! The sessions that are open: whose they are, and when they end.
//!
//! A session is named by the header of our own clients, or by the bearer token that a handshake returned. Calls that name
//! none share the session of their network connection. A session ends when its client closes it, when it has been idle for
//! too long, or a little after its network connection was lost.

use std::collections::HashMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use duckling_protocol::SESSION_HEADER;
use prost::bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request, Status};
use uuid::Uuid;

use super::link::Link;
use super::sql::prepared_statement::PreparedStatement;
use super::status::{SESSION_LOST, from_engine, internal, session_lost};
use crate::config::quoted_list;
use crate::engine::{
    Canceller, Client, Connection, Database, EngineError, History, Results, Session, SessionOptions, database_names,
    drop_off_runtime, function_names,
};

/// How soon the end of a session is noticed.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// Bounds on the sessions of one server.
#[derive(Clone, Debug)]
pub struct Limits {
    pub max_sessions: usize,
    /// A session without work for this long is closed.
    pub idle_timeout: Duration,
    /// How long a session outlives its network connection.
    pub disconnect_timeout: Duration,
    /// How long a statement may run.
    pub statement_timeout: Option<Duration>,
    /// Folder for results that another statement pushes aside.
    pub spill_folder: PathBuf,
    /// Statements that are remembered; none if 0.
    pub query_history: usize,
}

/// The open sessions of one server.
pub struct Sessions {
    instance: Database,
    default_database: String,
    databases: Vec<String>,
    limits: Limits,
    by_id: RwLock<HashMap<String, Arc<ClientSession>>>,
    /// Sessions that are open or being opened.
    count: AtomicUsize,
    /// Statements whose results are being read, by the id in their ticket.
    running: Mutex<HashMap<Bytes, Canceller>>,
    history: Arc<History>,
}

/// One client's session, and what belongs to it beyond DuckDB's connection.
pub struct ClientSession {
    id: String,
    engine: Session,
    link: Mutex<Weak<Link>>,
    last_used: Mutex<Instant>,
    /// Id of the transaction that BeginTransaction began, while it is open.
    transaction: Mutex<Option<Bytes>>,
    prepared: Mutex<HashMap<Bytes, Arc<PreparedStatement>>>,
    /// Results of statements that have run and were not fetched yet, by the id in their ticket.
    kept: Mutex<Vec<(Bytes, Results)>>,
}

/// Results of one session that wait to be fetched; the oldest is forgotten first.
const MAX_KEPT_RESULTS: usize = 100;
/// Prepared statements of one session.
const MAX_PREPARED_STATEMENTS: usize = 10_000;

impl Sessions {
    /// No session yet; a session that names no database works on `default_database`, others on one of `databases`.
    /// Watches over the sessions for as long as the value lives; needs a Tokio runtime.
    pub fn new(instance: Database, default_database: String, databases: Vec<String>, limits: Limits) -> Arc<Self> {
        let sessions = Arc::new(Self {
            history: Arc::new(History::new(limits.query_history)),
            instance,
            default_database,
            databases,
            limits,
            by_id: RwLock::default(),
            count: AtomicUsize::new(0),
            running: Mutex::default(),
        });
        tokio::spawn(watch(Arc::downgrade(&sessions)));
        sessions
    }

    /// Names of the functions that a session can call, and of the databases it can see. Blocks.
    pub fn names(&self) -> Result<(Vec<String>, Vec<String>), EngineError> {
        let connection = self.instance.connect()?;
        Ok((function_names(&connection)?, database_names(&connection)?))
    }

    /// A connection to the instance, for work that belongs to no session. Blocks.
    pub fn connect(&self) -> Result<Connection, EngineError> {
        self.instance.connect()
    }

    /// What clients had the server run.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Open a session on a database, the default one if `database` is empty; `user_name` is what the client calls itself.
    ///
    /// # Errors
    /// `ResourceExhausted` if there are too many; DuckDB's own if there is no such database.
    pub async fn open(
        self: &Arc<Self>,
        database: &str,
        user_name: Option<String>,
        lossless: bool,
        extensions: &Extensions,
    ) -> Result<Lease, Status> {
        let count = Counted::begin(self)?;
        let database = self.find_database(database).map_err(|error| from_engine(&error))?;
        let id = Uuid::new_v4().to_string();
        let (instance, options) = (
            self.instance.clone(),
            SessionOptions {
                spill_folder: self.limits.spill_folder.clone(),
                statement_timeout: self.limits.statement_timeout,
                history: self.history.clone(),
                client: Arc::new(Client {
                    session_id: id.clone(),
                    user_name,
                }),
            },
        );
        let engine = spawn_blocking(move || {
            let engine = Session::open(&instance, &database, options)?;
            if lossless {
                engine.keep_duckdb_types()?;
            }
            Ok(engine)
        })
        .await
        .map_err(|_| internal("opening a session was given up"))?
        .map_err(|error: EngineError| from_engine(&error))?;
        let session = Arc::new(ClientSession {
            id,
            engine,
            link: Mutex::new(extensions.get::<Arc<Link>>().map(Arc::downgrade).unwrap_or_default()),
            last_used: Mutex::new(Instant::now()),
            transaction: Mutex::default(),
            prepared: Mutex::default(),
            kept: Mutex::default(),
        });
        // From here on the session is counted until it is closed.
        std::mem::forget(count);
        let lease = Lease::new(session.clone(), self.clone());
        self.by_id
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session.id.clone(), session);
        tracing::debug!(session_id = lease.id, database = lease.database(), "session opened");
        Ok(lease)
    }

    /// Close a session: what runs in it is stopped, and its open transaction is rolled back. False if it is not open.
    pub fn close(&self, id: &str) -> bool {
        let session = self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        let Some(session) = session else {
            return false;
        };
        self.count.fetch_sub(1, Ordering::Relaxed);
        session.engine.close();
        tracing::debug!(session_id = id, "session closed");
        drop_off_runtime(session);
        true
    }

    /// Close every session, as if each client had. Blocks: their open transactions are rolled back.
    pub fn close_all(&self) {
        let sessions = std::mem::take(&mut *self.by_id.write().unwrap_or_else(PoisonError::into_inner));
        self.count.fetch_sub(sessions.len(), Ordering::Relaxed);
        for session in sessions.values() {
            session.engine.close();
        }
    }

    /// The session of a call: the one that it names, or else that of its network connection.
    ///
    /// # Errors
    /// `NotFound` if the named session is not open, `Unauthenticated` for a token that names none.
    pub async fn of<T>(self: &Arc<Self>, request: &Request<T>) -> Result<Lease, Status> {
        self.named_or_linked(request.metadata(), request.extensions()).await
    }

    /// As [`Sessions::of`], for a request that was taken apart.
    pub async fn named_or_linked(
        self: &Arc<Self>,
        metadata: &MetadataMap,
        extensions: &Extensions,
    ) -> Result<Lease, Status> {
        if let Some(id) = metadata.get(SESSION_HEADER) {
            let id = id.to_str().unwrap_or_default();
            return self.lease(id, extensions).ok_or_else(session_lost);
        }
        if let Some(id) = bearer_token(metadata) {
            return self
                .lease(id, extensions)
                .ok_or_else(|| Status::unauthenticated(SESSION_LOST));
        }
        let Some(link) = extensions.get::<Arc<Link>>() else {
            return Err(internal("a call without a network connection"));
        };
        let known = link.session_id().clone();
        if let Some(id) = known {
            let lease = self.lease(&id, extensions);
            if lease.is_none() {
                // Said once; the next call begins anew.
                link.session_id().take();
            }
            return lease.ok_or_else(session_lost);
        }
        let lease = self.open("", None, false, extensions).await?;
        // Another call of this connection may have been faster.
        let winner = link.session_id().get_or_insert_with(|| lease.id.clone()).clone();
        if winner == lease.id {
            return Ok(lease);
        }
        self.close(&lease.id);
        self.lease(&winner, extensions).ok_or_else(session_lost)
    }

    /// Stop the statement that a ticket has started. False if it is not running.
    pub fn cancel(&self, query_id: &[u8]) -> bool {
        let canceller = self.running().get(query_id).cloned();
        canceller.is_some_and(|canceller| canceller.cancel())
    }

    fn find_database(&self, name: &str) -> Result<String, EngineError> {
        if name.is_empty() {
            return Ok(self.default_database.clone());
        }
        // Letter case does not count, as in DuckDB.
        let known = self.databases.iter().find(|known| known.eq_ignore_ascii_case(name));
        known.cloned().ok_or_else(|| {
            EngineError::new(
                "Catalog",
                format!(
                    "Database \"{name}\" does not exist on this server: it has {}",
                    quoted_list(self.databases.iter().map(String::as_str))
                ),
            )
        })
    }

    fn lease(self: &Arc<Self>, id: &str, extensions: &Extensions) -> Option<Lease> {
        let session = self
            .by_id
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()?;
        if let Some(link) = extensions.get::<Arc<Link>>() {
            session.bind(link);
        }
        Some(Lease::new(session, self.clone()))
    }

    fn all(&self) -> Vec<Arc<ClientSession>> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        by_id.values().cloned().collect()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Bytes, Canceller>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Close sessions that are over, until the server is gone.
async fn watch(sessions: Weak<Sessions>) {
    let mut ticks = interval(WATCH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lost_since: HashMap<String, Instant> = HashMap::new();
    loop {
        ticks.tick().await;
        let Some(sessions) = sessions.upgrade() else {
            return;
        };
        let mut still_lost = HashMap::new();
        for session in sessions.all() {
            if session.is_linked() {
                if session.idle_for() > sessions.limits.idle_timeout {
                    tracing::info!(session_id = session.id, "closing an idle session");
                    sessions.close(&session.id);
                }
                continue;
            }
            let since = lost_since.get(&session.id).copied().unwrap_or_else(Instant::now);
            if since.elapsed() >= sessions.limits.disconnect_timeout {
                tracing::info!(session_id = session.id, "closing the session of a client that is gone");
                sessions.close(&session.id);
            } else {
                still_lost.insert(session.id.clone(), since);
            }
        }
        lost_since = still_lost;
    }
}

fn bearer_token(metadata: &MetadataMap) -> Option<&str> {
    let value = metadata.get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// A session that is being opened counts already: two cannot both be the last one.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn begin(sessions: &'a Sessions) -> Result<Self, Status> {
        let max = sessions.limits.max_sessions;
        let counted = Self(&sessions.count);
        if sessions.count.fetch_add(1, Ordering::Relaxed) >= max {
            return Err(Status::resource_exhausted(format!(
                "the server has {max} sessions open, which is its limit (--max-sessions): close some, or try again later"
            )));
        }
        Ok(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Deref for ClientSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.engine
    }
}

impl ClientSession {
    /// Value of the session header.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Remember which connection the session was used on last.
    fn bind(&self, link: &Arc<Link>) {
        let mut bound = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::ptr::eq(bound.as_ptr(), Arc::as_ptr(link)) {
            *bound = Arc::downgrade(link);
        }
    }

    fn is_linked(&self) -> bool {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).strong_count() > 0
    }

    /// How long nothing has happened: no call began or ended, no batch went in or out, and DuckDB does not work.
    fn idle_for(&self) -> Duration {
        if self.engine.is_working() {
            return Duration::ZERO;
        }
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// The session is in use.
    pub fn touch(&self) {
        *self.last_used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The transaction that BeginTransaction began.
    pub fn transaction(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Check that a statement belongs to the transaction that is open, or that none is.
    ///
    /// # Errors
    /// `NotFound` for a transaction that is not open here, `FailedPrecondition` for a statement that leaves the open one out.
    pub fn check_transaction(&self, id: Option<&Bytes>) -> Result<(), Status> {
        match (id.filter(|id| !id.is_empty()), self.transaction().as_ref()) {
            (None, None) => Ok(()),
            (Some(id), Some(open)) if id == open => Ok(()),
            (Some(_), _) => Err(Status::not_found(
                "the transaction is not open in this session: it was ended, or belongs to another session",
            )),
            (None, Some(_)) => Err(Status::failed_precondition(
                "a transaction is open in this session: name it in the statement, or end it first",
            )),
        }
    }

    /// Keep a prepared statement; its handle.
    ///
    /// # Errors
    /// `ResourceExhausted` if the session holds too many.
    pub fn keep_prepared(&self, statement: PreparedStatement) -> Result<Bytes, Status> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if prepared.len() >= MAX_PREPARED_STATEMENTS {
            return Err(Status::resource_exhausted(format!(
                "the session holds {MAX_PREPARED_STATEMENTS} prepared statements: close some"
            )));
        }
        let handle = Bytes::from(Uuid::new_v4().to_string());
        prepared.insert(handle.clone(), Arc::new(statement));
        Ok(handle)
    }

    /// The prepared statement of that handle.
    ///
    /// # Errors
    /// `NotFound` if this session has none.
    pub fn prepared(&self, handle: &[u8]) -> Result<Arc<PreparedStatement>, Status> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.get(handle).cloned().ok_or_else(|| {
            Status::not_found(
                "the prepared statement is not open in this session: it was closed, or belongs to another one",
            )
        })
    }

    /// Forget a prepared statement, if there is one of that handle.
    pub fn close_prepared(&self, handle: &[u8]) {
        let statement = self
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(handle);
        drop_off_runtime(statement);
    }

    /// Keep the result of a statement that has run, for whoever comes with its ticket.
    pub fn keep_results(&self, query_id: Bytes, results: Results) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT_RESULTS {
            kept.remove(0);
        }
        kept.push((query_id, results));
    }

    /// Hand out such a result, once.
    ///
    /// # Errors
    /// `NotFound` if it was handed out before, or belongs to another session.
    pub fn take_results(&self, query_id: &[u8]) -> Result<Results, Status> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let index = kept.iter().position(|(id, _)| id == query_id).ok_or_else(|| {
            Status::not_found("the result of a statement that writes can be fetched once, in its own session")
        })?;
        Ok(kept.remove(index).1)
    }
}

/// A session in use by a call, which keeps it from being idle.
pub struct Lease {
    /// Present until it is dropped.
    session: Option<Arc<ClientSession>>,
    sessions: Arc<Sessions>,
}

impl Lease {
    fn new(session: Arc<ClientSession>, sessions: Arc<Sessions>) -> Self {
        session.touch();
        Self {
            session: Some(session),
            sessions,
        }
    }

    /// Let a running statement be cancelled by the id in its ticket, for as long as the guard lives.
    pub fn register_running(&self, query_id: Option<Bytes>, results: &Results) -> Option<Running> {
        let query_id = query_id?;
        self.sessions.running().insert(query_id.clone(), results.canceller());
        Some(Running {
            query_id,
            sessions: self.sessions.clone(),
        })
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        Self {
            session: self.session.clone(),
            sessions: self.sessions.clone(),
        }
    }
}

impl Deref for Lease {
    type Target = ClientSession;

    fn deref(&self) -> &ClientSession {
        self.session.as_deref().expect("taken by Drop alone")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        session.touch();
        if session.is_closed() {
            // Perhaps the last one: its connection rolls back, which may block.
            drop_off_runtime(session);
        }
    }
}

/// A statement that can be cancelled.
pub struct Running {
    query_id: Bytes,
    sessions: Arc<Sessions>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.sessions.running().remove(&self.query_id);
    }
}
