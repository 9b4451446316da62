//! One client's DuckDB connection: its statements, in turn, and its transaction.

mod loads;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatchReader;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::catalog;
use super::conditions::{AppliedSettings, Conditions};
use super::connection::{Connection, Description, ReturnKind, in_transaction};
use super::database::Database;
use super::error::EngineError;
use super::execution::{Execution, Mode, start};
use super::history::{Entry, Recording};
use super::load::changed_rows;
use super::outlet::{Outlet, Results, Source};
use super::prepared::{Parameters, Prepared, Runs};
use super::progress::Progress;
use super::session_options::SessionOptions;

/// How long a statement waits for a load of its own session, which may be one that is being given up.
const LOAD_PATIENCE: Duration = Duration::from_secs(2);

/// One client's DuckDB connection.
///
/// Statements start one after the other. DuckDB streams one result per connection: when a second statement starts
/// while a result is still being read, the rest of that result is taken in first, and both go on.
pub struct Session {
    instance: Database,
    connection: Arc<Connection>,
    database: String,
    /// Held while a statement starts, or while one without rows runs.
    turn: AsyncMutex<()>,
    current: Mutex<Current>,
    settings: Arc<AppliedSettings>,
    /// A load that waits for rows of the client holds the turn.
    loading: Arc<AtomicBool>,
    /// Connections of the loads outside of transactions.
    loads: Arc<Mutex<Vec<Weak<Connection>>>>,
    /// Statements that DuckDB works on now, as opposed to those that wait for the client.
    working: Arc<AtomicUsize>,
    options: SessionOptions,
}

/// What has the connection. Beginning a statement and closing the session exclude each other by its lock.
#[derive(Default)]
struct Current {
    open_result: Option<Arc<Outlet>>,
    is_closed: bool,
}

impl Session {
    /// Open a session on one of the databases of an instance. Blocks.
    ///
    /// # Errors
    /// `Catalog` if there is no such database.
    pub fn open(instance: &Database, database: &str, options: SessionOptions) -> Result<Self, EngineError> {
        Ok(Self {
            instance: instance.clone(),
            connection: Arc::new(options.connect(instance, database)?),
            database: database.to_string(),
            turn: AsyncMutex::new(()),
            current: Mutex::default(),
            settings: Arc::default(),
            loading: Arc::default(),
            loads: Arc::default(),
            working: Arc::default(),
            options,
        })
    }

    /// Have results keep every DuckDB type, through Arrow extension types that only a client of ours understands, and errors
    /// their details.
    ///
    /// # Errors
    /// None but DuckDB's own.
    pub fn keep_duckdb_types(&self) -> Result<(), EngineError> {
        self.connection.keep_types()
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
        let recording = self.record(&sql);
        let describe = move |connection: &Connection| connection.describe(&sql);
        recording.conclude_description(self.exclusive(conditions, describe).await)
    }

    /// Run a query and collect its rows; for queries of our own, whose results are small.
    ///
    /// # Errors
    /// DuckDB's own.
    pub async fn rows(&self, sql: String) -> Result<Vec<RecordBatch>, EngineError> {
        self.exclusive(Conditions::default(), move |connection| connection.query(&sql))
            .await
    }

    /// Bind queries without running them; `None` for one that does not bind, which leaves the open transaction as it was.
    ///
    /// # Errors
    /// If the connection cannot be used at all.
    pub async fn bind_each(&self, queries: Vec<String>) -> Result<Vec<Option<Description>>, EngineError> {
        self.exclusive(Conditions::default(), move |connection| {
            Ok(queries.iter().map(|sql| connection.bind(sql).ok()).collect())
        })
        .await
    }

    /// Run a statement and stream its result. A statement that writes has committed when this returns.
    ///
    /// # Errors
    /// DuckDB's own.
    pub async fn execute(&self, sql: String, conditions: Conditions) -> Result<Results, EngineError> {
        let recording = self.record(&sql);
        self.run(recording, conditions, move |connection, entry| {
            let stream = connection.submit(&sql)?;
            entry.start(stream.return_kind(), stream.has_run());
            Ok((stream.schema(), Box::new(stream)))
        })
        .await
    }

    /// Bind a statement that is run later, perhaps more than once.
    ///
    /// # Errors
    /// DuckDB's parser, binder and catalog errors.
    pub async fn prepare(&self, sql: String, conditions: Conditions) -> Result<Prepared, EngineError> {
        let (connection, recording) = (self.connection.clone(), self.record(&sql));
        let prepare = move |_: &Connection| Prepared::new(connection, &sql);
        recording.conclude_description(self.exclusive(conditions, prepare).await)
    }

    /// Read rows of parameter values.
    ///
    /// # Errors
    /// What reading `rows` fails with; `Not implemented` for a type that DuckDB has none for.
    pub async fn read_parameters(&self, rows: Box<dyn RecordBatchReader + Send>) -> Result<Parameters, EngineError> {
        let connection = self.connection.clone();
        spawn_blocking(move || Parameters::read(&connection, rows))
            .await
            .map_err(|_| EngineError::lost("reading the parameters"))?
    }

    /// Run a prepared statement of this session, once for each row of values, and stream the results one after the other.
    ///
    /// # Errors
    /// As [`Session::execute`], and those of a later run while its rows are read.
    pub async fn execute_prepared(
        &self,
        prepared: Arc<Prepared>,
        values: Option<Arc<Parameters>>,
        conditions: Conditions,
    ) -> Result<Results, EngineError> {
        let recording = self.record(&prepared.sql);
        self.run(recording, conditions, move |_, entry| {
            let mut runs = Runs::new(prepared, values);
            Ok((runs.start(entry)?, Box::new(runs)))
        })
        .await
    }

    /// Run a prepared statement of this session once for each row of values, all in one transaction. Returns how many rows
    /// were changed in all; `None` if the statement is not one that counts them.
    ///
    /// # Errors
    /// DuckDB's own; then nothing has changed.
    pub async fn update_prepared(
        &self,
        prepared: Arc<Prepared>,
        values: Option<Arc<Parameters>>,
        conditions: Conditions,
    ) -> Result<Option<i64>, EngineError> {
        let recording = self.record(&prepared.sql);
        self.recorded(recording, conditions, move |connection, entry| {
            let counts = prepared.description.return_kind == ReturnKind::ChangedRows;
            let several = values.as_ref().is_some_and(|values| values.rows() > 1);
            let mut runs = Runs::new(prepared, values);
            let changed = in_transaction(connection, several, |_| {
                let mut changed = 0;
                while let Some(stream) = runs.start_next()? {
                    let batches: Vec<RecordBatch> = stream.collect::<Result<_, _>>()?;
                    changed += changed_rows(&batches).unwrap_or(0);
                }
                Ok(changed)
            })?;
            entry.change(u64::try_from(changed).unwrap_or(0));
            Ok(counts.then_some(changed))
        })
        .await
    }

    /// Describe a statement, run it, or both, binding it once. A statement that writes has committed when this returns.
    ///
    /// # Errors
    /// DuckDB's own.
    pub async fn execute_as(&self, sql: String, mode: Mode, conditions: Conditions) -> Result<Execution, EngineError> {
        let (database, recording) = (self.database.clone(), self.record(&sql));
        if let Some(progress) = &conditions.progress {
            progress.follow(recording.entry());
        }
        let start = move |connection: &Connection, entry: &Entry| {
            let (execution, stream) = start(connection, &database, &sql, &mode)?;
            if let Some(stream) = &stream {
                entry.start(stream.return_kind(), stream.has_run());
            }
            Ok((execution, stream.map(|stream| Box::new(stream) as Source)))
        };
        let (mut execution, results) = self.start(recording, conditions, start).await?;
        execution.results = results.map(|mut results| {
            results.schema = execution.schema.clone();
            results
        });
        Ok(execution)
    }

    /// How far a statement is, in percent; `None` while it does not run, and where DuckDB cannot tell.
    pub fn progress(&self, of: &Progress) -> Option<f64> {
        of.is_running().then(|| self.connection.progress()).flatten()
    }

    /// The catalog of the session's database: what `catalog::snapshot` reads.
    ///
    /// # Errors
    /// DuckDB's own.
    pub async fn snapshot(
        &self,
        known_version: Option<u64>,
        want_states: bool,
        conditions: Conditions,
    ) -> Result<duckling_protocol::CatalogResponse, EngineError> {
        let database = self.database.clone();
        self.exclusive(conditions, move |connection| {
            catalog::snapshot(connection, &database, known_version, want_states)
        })
        .await
    }

    /// Begin a transaction that stays open.
    ///
    /// # Errors
    /// `TransactionContext` if there is one already.
    pub async fn begin_transaction(&self) -> Result<(), EngineError> {
        self.exclusive(Conditions::default(), |connection| {
            connection.query("BEGIN TRANSACTION").map(drop)
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

    /// Whether DuckDB works on a statement now. A result that waits for its reader, or a load that waits for rows, is not
    /// work.
    pub fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }

    /// Have what runs fail with DuckDB's Interrupt error, unless its effects have come about.
    pub fn interrupt(&self) {
        if let Some(outlet) = &self.current().open_result {
            outlet.interrupt();
        }
        for load in lock(&self.loads).iter().filter_map(Weak::upgrade) {
            load.interrupt();
        }
    }

    /// Stop what runs, and let nothing begin any more. The connection goes when the last reader of its results has gone.
    pub fn close(&self) {
        let mut current = self.current();
        current.is_closed = true;
        if let Some(outlet) = current.open_result.take() {
            outlet.cancel();
        }
    }

    /// Whether the session was closed.
    pub fn is_closed(&self) -> bool {
        self.current().is_closed
    }

    /// A statement of the client has arrived.
    fn record(&self, sql: &str) -> Recording {
        self.options.history.record(&self.options.client, sql)
    }

    /// Start a statement on the connection once it is free, and stream what it returns.
    async fn run(
        &self,
        recording: Recording,
        conditions: Conditions,
        start: impl FnOnce(&Connection, &Entry) -> Result<(SchemaRef, Source), EngineError> + Send + 'static,
    ) -> Result<Results, EngineError> {
        let start = |connection: &Connection, entry: &Entry| {
            start(connection, entry).map(|(schema, source)| (schema, Some(source)))
        };
        let (schema, results) = self.start(recording, conditions, start).await?;
        let mut results = results.ok_or_else(|| EngineError::lost("statement"))?;
        results.schema = schema;
        Ok(results)
    }

    /// Start something on the connection once it is free. What it says of itself comes back at once; its batches, if it has
    /// any, follow. Without any, there is nothing to record but a failure.
    async fn start<T: Send + 'static>(
        &self,
        recording: Recording,
        conditions: Conditions,
        start: impl FnOnce(&Connection, &Entry) -> Result<(T, Option<Source>), EngineError> + Send + 'static,
    ) -> Result<(T, Option<Results>), EngineError> {
        let recording = Arc::new(recording);
        match self.begin(&recording, conditions, start).await {
            Ok((answer, Some(mut results))) => {
                results.recording = Some(recording);
                Ok((answer, Some(results)))
            }
            outcome => recording.conclude_description(outcome),
        }
    }

    async fn begin<T: Send + 'static>(
        &self,
        recording: &Arc<Recording>,
        conditions: Conditions,
        start: impl FnOnce(&Connection, &Entry) -> Result<(T, Option<Source>), EngineError> + Send + 'static,
    ) -> Result<(T, Option<Results>), EngineError> {
        let _turn = self.free_connection().await?;
        let (outlet, results) = self.claim_connection(recording)?;
        // If the caller goes away, what becomes of the statement is still known here.
        let recording = recording.clone();
        let (connection, applied) = (self.connection.clone(), self.settings.clone());
        let (started, outcome) = oneshot::channel();
        spawn_blocking(move || {
            let claim = outlet.claim();
            recording.entry().begin_work(&connection);
            let outcome = applied
                .establish(&connection, &conditions)
                .and_then(|()| claim.proceed())
                .and_then(|()| start(&connection, recording.entry()));
            match outcome {
                Ok((answer, Some(source))) => {
                    // Nobody listens if the reader has gone; then `run` ends at once.
                    let _ = started.send(Ok((answer, true)));
                    claim.run(source);
                }
                outcome => {
                    drop(claim);
                    let outcome = recording.conclude_description(outcome.map(|(answer, _)| (answer, false)));
                    let _ = started.send(outcome);
                }
            }
        });
        let (answer, has_rows) = outcome.await.map_err(|_| EngineError::lost("statement"))??;
        Ok((answer, has_rows.then_some(results)))
    }

    /// Run a blocking call on the connection once it is free. If the caller goes away, the call is interrupted.
    async fn exclusive<T: Send + 'static>(
        &self,
        conditions: Conditions,
        call: impl FnOnce(&Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.recorded(Recording::unlisted(), conditions, |connection, _| call(connection))
            .await
    }

    /// The same, for a statement of the client. What becomes of it is known when the call is over, whoever waits for it.
    async fn recorded<T: Send + 'static>(
        &self,
        recording: Recording,
        conditions: Conditions,
        call: impl FnOnce(&Connection, &Entry) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let claimed = async {
            let turn = self.free_connection().await?;
            Ok((turn, self.claim_connection(&recording)?))
        };
        let (_turn, (outlet, _interrupt_when_dropped)) = match claimed.await {
            Ok(claimed) => claimed,
            Err(error) => return recording.conclude(Err(error)),
        };
        let (connection, applied) = (self.connection.clone(), self.settings.clone());
        spawn_blocking(move || {
            let claim = outlet.claim();
            recording.entry().begin_work(&connection);
            let outcome = applied
                .establish(&connection, &conditions)
                .and_then(|()| claim.proceed())
                .and_then(|()| call(&connection, recording.entry()));
            recording.conclude(outcome)
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
        let open = self.current().open_result.clone();
        if let Some(open) = open {
            open.release_connection().await;
        }
        Ok(turn)
    }

    /// Make a new statement the one that holds the connection.
    ///
    /// # Errors
    /// `Connection` if the session was closed, perhaps while the statement waited for its turn; then nothing has begun.
    fn claim_connection(&self, recording: &Recording) -> Result<(Arc<Outlet>, Results), EngineError> {
        let folder = self.options.spill_folder.clone();
        let entry = recording.entry().clone();
        let outlet = Outlet::new(self.connection.clone(), folder, self.working.clone(), entry);
        let mut current = self.current();
        if current.is_closed {
            return Err(EngineError::session_closed());
        }
        current.open_result = Some(outlet.clone());
        let results = Results {
            outlet: outlet.clone(),
            schema: Schema::empty().into(),
            recording: None,
        };
        Ok((outlet, results))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        lock(&self.current)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
