//! One task: a fragment on a connection of this worker's DuckDB, on a thread of its own.
//!
//! Threads of the async runtime's pool will not do: their number is limited, and tasks wait for each other.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Schema;
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::duckdb_exec::Fragment;
use super::errors;
use super::inbox::{Inbox, InboxReader};
use super::reports::Measures;
use super::worker::TaskHost;
use crate::engine::{Connection, EngineError, FragmentInput, is_object_url, quote_identifier, quote_literal};

/// How many batches, of about a megabyte, a task may be ahead of whoever takes its rows.
const MAX_QUEUED_BATCHES: usize = 8;
/// How often a task is interrupted that is to end: an interrupt that comes before its statement begins is forgotten.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(20);
/// Of the thread that plans and runs a fragment: DuckDB recurses into nested queries as far as eight megabytes allow.
const STACK_BYTES: usize = 16 << 20;
/// What is said of a scan in an error.
const MAX_SCAN_BYTES: usize = 2000;

type Row = Result<RecordBatch, DataFusionError>;

pub(super) struct TaskInput {
    pub name: String,
    pub inbox: Arc<Inbox>,
}

/// What a task has to do, and with what.
pub(super) struct Task {
    pub host: Arc<TaskHost>,
    pub fragment: Arc<Fragment>,
    /// Name and SELECT of each.
    pub scans: Vec<(String, String)>,
    pub inputs: Vec<TaskInput>,
    pub measures: Arc<Measures>,
}

/// Start a task, whose inputs are being filled by `filling`. Dropping the stream ends it.
pub(super) fn start(task: Task, query: Option<&str>, mut filling: JoinSet<()>) -> SendableRecordBatchStream {
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_BATCHES);
    let schema = task.fragment.schema.clone();
    let run = Arc::new(Run {
        task,
        state: Mutex::default(),
    });
    if let Some(query) = query {
        run.task.host.queries.register(query, &run);
    }
    filling.spawn(run.clone().begin(sender));
    let reader = Reader {
        receiver,
        run,
        _filling: filling,
    };
    let batches = stream::unfold(reader, |mut reader| async move {
        let batch = reader.receiver.recv().await?;
        Some((batch, reader))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

/// Whoever takes the rows.
struct Reader {
    receiver: mpsc::Receiver<Row>,
    run: Arc<Run>,
    /// Its tasks go with it.
    _filling: JoinSet<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.run.cancel();
    }
}

pub(super) struct Run {
    task: Task,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of the running statement.
    connection: Option<Arc<Connection>>,
    cancelled: bool,
}

impl Run {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait until all inputs have rows, so that no thread of DuckDB waits for the first ones, and run the fragment.
    async fn begin(self: Arc<Self>, sender: mpsc::Sender<Row>) {
        for input in &self.task.inputs {
            input.inbox.begun().await;
        }
        let failed = sender.clone();
        let started = thread::Builder::new()
            .name("fragment".to_string())
            .stack_size(STACK_BYTES)
            .spawn(move || self.run(&sender));
        if let Err(error) = started {
            let error = EngineError::new("IO", format!("cannot start a thread for a task: {error}"));
            // Without a reader, nobody needs to know.
            let _ = failed.send(Err(errors::encode(&error))).await;
        }
    }

    fn run(&self, sender: &mpsc::Sender<Row>) {
        let counted = self.task.host.counters.start();
        self.task.measures.start();
        // The end of the channel means the end of the rows: whatever else ends them must be said.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.send_rows(sender)))
            .unwrap_or_else(|_| Err(EngineError::new("Executor", "a task of a distributed query panicked")));
        let outcome = outcome.map_err(|error| self.cause(error));
        let connection = self.lock().connection.take();
        let cpu = connection.as_ref().map(|connection| connection.cpu_time());
        self.task.measures.end(cpu.unwrap_or_default());
        drop(connection);
        for input in &self.task.inputs {
            input.inbox.close();
        }
        // Whoever has got the end of the rows finds the task done.
        drop(counted);
        if let Err(error) = outcome {
            let _ = sender.blocking_send(Err(errors::encode(&error)));
        }
    }

    /// DuckDB makes a text of what an input failed with.
    fn cause(&self, error: EngineError) -> EngineError {
        let failure = self.task.inputs.iter().find_map(|input| input.inbox.failure());
        failure.unwrap_or_else(|| self.with_scans(error))
    }

    /// What the libraries throw that DuckDB reads files with tells of no file.
    fn with_scans(&self, mut error: EngineError) -> EngineError {
        if error.class == errors::OF_LIBRARIES {
            for (_, sql) in &self.task.scans {
                let end = sql.floor_char_boundary(MAX_SCAN_BYTES);
                error.message = format!("{}\nwhile reading {}", error.message, &sql[..end]);
            }
        }
        error
    }

    fn send_rows(&self, sender: &mpsc::Sender<Row>) -> Result<(), EngineError> {
        let connection = self.connect()?;
        let inputs = self.task.inputs.iter().map(|input| FragmentInput {
            name: input.name.clone(),
            rows: Box::new(InboxReader(input.inbox.clone())),
        });
        let Fragment { sql, target, .. } = &*self.task.fragment;
        let batches = connection.submit_fragment(sql, target.as_deref(), &self.task.scans, inputs.collect())?;
        let schema = &self.task.fragment.schema;
        check_schema(schema, &batches.schema())?;
        for batch in batches {
            let (_, columns, _) = batch?.into_parts();
            let batch = RecordBatch::try_new(schema.clone(), columns)?;
            if target.is_some() {
                sync_files(&batch)?;
            }
            self.task.measures.make(&batch);
            if sender.blocking_send(Ok(batch)).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Open the connection, so that `cancel` reaches it.
    fn connect(&self) -> Result<Arc<Connection>, EngineError> {
        let connection = Arc::new(self.task.host.database.connect()?);
        connection.keep_types()?;
        for (name, value) in &self.task.fragment.settings {
            connection.query(&format!("SET {} = {}", quote_identifier(name), quote_literal(value)))?;
        }
        let mut state = self.lock();
        if state.cancelled {
            return Err(EngineError::new(EngineError::INTERRUPT, "Interrupted!"));
        }
        state.connection = Some(connection.clone());
        Ok(connection)
    }

    /// How much of it is done, from 0 to 1.
    pub(super) fn progress(&self) -> f64 {
        if self.task.measures.has_ended() {
            return 1.0;
        }
        let percent = self
            .lock()
            .connection
            .as_ref()
            .and_then(|connection| connection.progress());
        percent.unwrap_or_default() / 100.0
    }

    /// End the task, if it has not ended. Returns at once.
    pub(super) fn cancel(self: &Arc<Self>) {
        for input in &self.task.inputs {
            input.inbox.close();
        }
        if !self.interrupt() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let run = self.clone();
            runtime.spawn(async move {
                while run.interrupt() {
                    sleep(INTERRUPT_INTERVAL).await;
                }
            });
        }
    }

    /// Interrupt the statement; false if there is none.
    fn interrupt(&self) -> bool {
        let mut state = self.lock();
        state.cancelled = true;
        // Under the lock: the thread that frees the connection lets go of it here first.
        state
            .connection
            .as_ref()
            .inspect(|connection| connection.interrupt())
            .is_some()
    }
}

/// Write the files through to the disk that COPY tells of: the driver, which lists them, may have another view of them.
fn sync_files(written: &RecordBatch) -> Result<(), EngineError> {
    let paths = written
        .columns()
        .first()
        .and_then(|column| column.as_string_opt::<i32>())
        .ok_or_else(|| EngineError::new("INTERNAL", "COPY does not name the files that it has written"))?;
    // An object store has them when they are complete.
    for path in paths.iter().flatten().filter(|path| !is_object_url(path)) {
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| EngineError::new("IO", format!("Cannot make the file \"{path}\" durable: {error}")))?;
    }
    Ok(())
}

/// What a plan says of the rows must be so: whoever gets them reads them by it.
fn check_schema(planned: &Schema, actual: &Schema) -> Result<(), EngineError> {
    let (planned, actual) = (planned.fields(), actual.fields());
    let same = planned.len() == actual.len()
        && planned
            .iter()
            .zip(actual)
            .all(|(a, b)| a.data_type() == b.data_type() && a.metadata() == b.metadata());
    if same {
        return Ok(());
    }
    let message = format!("The rows of a fragment are not as planned: {actual:?} instead of {planned:?}");
    Err(EngineError::new("INTERNAL", message))
}
