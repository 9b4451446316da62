//! A session: one client's DuckDB connection, its transaction and its temporary objects.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::{Array, Int64Array, RecordBatch, RecordBatchReader};
use arrow::datatypes::Schema;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::connection::{Connection, Description};
use super::database::Database;
use super::error::EngineError;
use super::execution::{Execution, Mode, start};
use super::outlet::{Outlet, Results};
use super::{catalog, quote_identifier};

/// How long a statement waits for a load of its own session, which may be one that is being given up.
const LOAD_PATIENCE: Duration = Duration::from_secs(2);

/// What a statement runs under.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Begin a transaction that stays open, unless there is one. Otherwise the statement runs as the connection stands:
    /// in its open transaction, or in one of its own.
    pub begin: bool,
    /// DuckDB settings by name; they stay until another statement brings others.
    pub settings: Vec<(String, String)>,
}

impl Conditions {
    /// With the session's settings as they are.
    pub fn beginning(begin: bool) -> Self {
        Self {
            begin,
            settings: Vec::new(),
        }
    }
}

/// Rows to load, and where they go.
pub struct IngestSource {
    /// Statement that creates the table first, if it does not exist yet.
    pub create_sql: Option<String>,
    pub schema: String,
    pub table: String,
    /// Target columns, in the order of the batches'.
    pub columns: Vec<String>,
    /// Load in a transaction of its own, even while the session has one open.
    pub apart: bool,
    pub batches: Box<dyn RecordBatchReader + Send>,
}

/// One client's DuckDB connection.
///
/// Statements start one after the other. DuckDB streams one result per connection: when a second statement starts
/// while a result is still being read, the rest of that result is taken into memory first, and both go on.
pub struct Session {
    instance: Database,
    connection: Arc<Connection>,
    database: String,
    /// Held while a statement starts, or while one without rows runs.
    turn: AsyncMutex<()>,
    open_result: Mutex<Option<Arc<Outlet>>>,
    settings: Arc<AppliedSettings>,
    /// A load that waits for rows of the client holds the turn.
    loading: Arc<AtomicBool>,
}

impl Session {
    /// Open a session on one of the databases of an instance.
    ///
    /// # Errors
    /// `Catalog` if there is no such database.
    pub fn open(instance: &Database, database: &str) -> Result<Self, EngineError> {
        Ok(Self {
            instance: instance.clone(),
            connection: Arc::new(connect(instance, database)?),
            database: database.to_string(),
            turn: AsyncMutex::new(()),
            open_result: Mutex::new(None),
            settings: Arc::default(),
            loading: Arc::default(),
        })
    }

    /// Have results keep every DuckDB type, through Arrow extension types that only a DuckDB client understands.
    ///
    /// # Errors
    /// None but DuckDB's own.
    pub fn keep_duckdb_types(&self) -> Result<(), EngineError> {
        self.connection.query("SET arrow_lossless_conversion = true").map(drop)
    }

    /// The database that the session works on.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Bind a statement without running it.
    ///
    /// # Errors
    /// DuckDB's parser, binder and catalog errors.
    pub async fn describe(&self, sql: String, conditions: Conditions) -> Result<Description, EngineError> {
        self.exclusive(conditions, move |connection| connection.describe(&sql))
            .await
    }

    /// Run a statement and stream its result. A statement that writes has committed when this returns.
    ///
    /// # Errors
    /// DuckDB's own.
    pub async fn execute(&self, sql: String, conditions: Conditions) -> Result<Results, EngineError> {
        let _turn = self.free_connection().await?;
        let (outlet, mut results) = self.claim_connection();
        let (connection, applied) = (self.connection.clone(), self.settings.clone());
        let (submitted, schema) = oneshot::channel();
        spawn_blocking(move || {
            let claim = outlet.claim();
            let outcome = applied
                .establish(&connection, &conditions)
                .and_then(|()| claim.proceed())
                .and_then(|()| connection.submit(&sql));
            match outcome {
                Ok(stream) => {
                    // Nobody listens if the reader has gone; then `run` ends at once.
                    let _ = submitted.send(Ok(stream.schema()));
                    claim.run(stream);
                }
                Err(error) => {
                    drop(claim);
                    let _ = submitted.send(Err(error));
                }
            }
        });
        results.schema = schema.await.map_err(|_| EngineError::lost("statement"))??;
        Ok(results)
    }

    /// Describe a statement, run it, or both, binding it once. A statement that writes has committed when this returns.
    ///
    /// # Errors
    /// DuckDB's own.
    pub async fn execute_as(&self, sql: String, mode: Mode, conditions: Conditions) -> Result<Execution, EngineError> {
        let _turn = self.free_connection().await?;
        let (outlet, mut results) = self.claim_connection();
        let (connection, applied) = (self.connection.clone(), self.settings.clone());
        let database = self.database.clone();
        let (started, outcome) = oneshot::channel();
        spawn_blocking(move || {
            let claim = outlet.claim();
            let outcome = applied
                .establish(&connection, &conditions)
                .and_then(|()| claim.proceed())
                .and_then(|()| start(&connection, &database, &sql, mode));
            match outcome {
                Ok((execution, Some(stream))) => {
                    // Nobody listens if the reader has gone; then `run` ends at once.
                    let _ = started.send(Ok((execution, true)));
                    claim.run(stream);
                }
                Ok((execution, None)) => {
                    drop(claim);
                    let _ = started.send(Ok((execution, false)));
                }
                Err(error) => {
                    drop(claim);
                    let _ = started.send(Err(error));
                }
            }
        });
        let (mut execution, runs) = outcome.await.map_err(|_| EngineError::lost("statement"))??;
        if runs {
            results.schema = execution.schema.clone();
            execution.results = Some(results);
        }
        Ok(execution)
    }

    /// Load rows into a table; creating and filling it are one transaction. Returns the number of rows.
    ///
    /// Outside a transaction the load has a connection of its own: the statement that it belongs to may be reading from
    /// this session at the same time, and its rows may depend on what it reads.
    ///
    /// # Errors
    /// DuckDB's own, or what reading the rows failed with; then nothing has changed.
    pub async fn ingest(&self, source: IngestSource, conditions: Conditions) -> Result<u64, EngineError> {
        if !source.apart && (conditions.begin || self.connection.in_transaction()) {
            let loading = Flag::raise(&self.loading);
            return self
                .exclusive(conditions, move |connection| {
                    let _loading = loading;
                    load(connection, source)
                })
                .await;
        }
        let (instance, database) = (self.instance.clone(), self.database.clone());
        spawn_blocking(move || {
            let connection = connect(&instance, &database)?;
            connection.query("BEGIN TRANSACTION")?;
            let outcome = load(&connection, source);
            connection.query(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            outcome
        })
        .await
        .map_err(|_| EngineError::lost("load"))?
    }

    /// The catalog of the session's database; `None` if `known_version` is still current.
    ///
    /// # Errors
    /// DuckDB's own.
    pub async fn snapshot(
        &self,
        known_version: Option<u64>,
        conditions: Conditions,
    ) -> Result<Option<duckling_protocol::CatalogSnapshot>, EngineError> {
        let database = self.database.clone();
        self.exclusive(conditions, move |connection| {
            catalog::snapshot(connection, &database, known_version)
        })
        .await
    }

    /// End the open transaction, if there is one.
    ///
    /// # Errors
    /// `TransactionContext` if it cannot be committed; it is then rolled back.
    pub async fn end_transaction(&self, commit: bool) -> Result<(), EngineError> {
        self.exclusive(Conditions::default(), move |connection| {
            if !connection.in_transaction() {
                return Ok(());
            }
            connection.query(if commit { "COMMIT" } else { "ROLLBACK" }).map(drop)
        })
        .await
    }

    /// Stop whatever runs.
    pub fn interrupt(&self) {
        self.connection.interrupt();
    }

    /// Run a blocking call on the connection once it is free. If the caller goes away, the call is interrupted.
    async fn exclusive<T: Send + 'static>(
        &self,
        conditions: Conditions,
        call: impl FnOnce(&Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let _turn = self.free_connection().await?;
        let (outlet, _interrupt_when_dropped) = self.claim_connection();
        let (connection, applied) = (self.connection.clone(), self.settings.clone());
        spawn_blocking(move || {
            let claim = outlet.claim();
            applied
                .establish(&connection, &conditions)
                .and_then(|()| claim.proceed())
                .and_then(|()| call(&connection))
        })
        .await
        .map_err(|_| EngineError::lost("statement"))?
    }

    /// Take the turn, and wait until no open result holds the connection.
    ///
    /// # Errors
    /// `Resource In Use` while a load holds it: a load waits for rows of the client, which would wait for this.
    async fn free_connection(&self) -> Result<AsyncMutexGuard<'_, ()>, EngineError> {
        let turn = loop {
            match timeout(LOAD_PATIENCE, self.turn.lock()).await {
                Ok(turn) => break turn,
                Err(_) if self.loading.load(Ordering::Relaxed) => {
                    return Err(EngineError::new(
                        "Resource In Use",
                        "Inside a transaction, a statement cannot read from a server and load rows of the client into it at \
                         the same time: COMMIT first, or read into a local table and load that",
                    ));
                }
                Err(_) => {}
            }
        };
        let open = self.open_result().clone();
        if let Some(open) = open {
            open.release_connection().await;
        }
        Ok(turn)
    }

    /// Make a new statement the one that holds the connection.
    fn claim_connection(&self) -> (Arc<Outlet>, Results) {
        let outlet = Outlet::new(self.connection.clone());
        *self.open_result() = Some(outlet.clone());
        (
            outlet.clone(),
            Results {
                outlet,
                schema: Schema::empty().into(),
            },
        )
    }

    fn open_result(&self) -> MutexGuard<'_, Option<Arc<Outlet>>> {
        self.open_result.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Set while it lives.
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn raise(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(flag.clone())
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn connect(instance: &Database, database: &str) -> Result<Connection, EngineError> {
    let connection = instance.connect()?;
    connection.query(&format!("USE {}", quote_identifier(database)))?;
    Ok(connection)
}

/// The settings that statements have brought so far.
#[derive(Default)]
struct AppliedSettings(Mutex<HashMap<String, String>>);

impl AppliedSettings {
    /// Bring the connection into the state that a statement asks for.
    fn establish(&self, connection: &Connection, conditions: &Conditions) -> Result<(), EngineError> {
        let mut applied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in &conditions.settings {
            if applied.get(name) != Some(value) {
                // SESSION: plain SET changes several of them for the whole instance, and so for other clients.
                let literal = value.replace('\'', "''");
                connection.query(&format!("SET SESSION {} = '{literal}'", quote_identifier(name)))?;
                applied.insert(name.clone(), value.clone());
            }
        }
        if conditions.begin && !connection.in_transaction() {
            connection.query("BEGIN TRANSACTION")?;
        }
        Ok(())
    }
}

fn load(connection: &Connection, source: IngestSource) -> Result<u64, EngineError> {
    if let Some(create_sql) = &source.create_sql {
        connection.query(create_sql)?;
    }
    let columns: Vec<_> = source.columns.iter().map(|column| quote_identifier(column)).collect();
    let sql = format!(
        "INSERT INTO {}.{} ({}) SELECT * FROM arrow_scan()",
        quote_identifier(&source.schema),
        quote_identifier(&source.table),
        columns.join(", ")
    );
    let counts: Vec<RecordBatch> = connection
        .insert_from(&sql, source.batches)?
        .collect::<Result<_, _>>()?;
    let count = counts
        .first()
        .and_then(|batch| batch.column(0).as_any().downcast_ref::<Int64Array>())
        .filter(|counts| !counts.is_empty())
        .map_or(0, |counts| counts.value(0));
    Ok(u64::try_from(count).unwrap_or(0))
}
