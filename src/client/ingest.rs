//! A load that is being written.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::error::FlightError;
use arrow_flight::sql::DoPutUpdateResult;
use arrow_flight::{FlightData, FlightDescriptor};
use duckling_protocol::{Command, INGEST_END};
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, stream};
use prost::Message;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Request;

use super::connection::{Connection, name_session};
use super::history::Recording;
use super::session::{Session, interrupt};
use crate::error::{Error, Result};
use crate::runtime::runtime;

/// Batches that wait between DuckDB and the network.
const MAX_QUEUED_BATCHES: usize = 4;
/// Largest Arrow message that is sent whole.
const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// Where rows are loaded.
pub struct IngestTarget {
    /// Statement that creates the table first; empty to load into one that exists.
    pub create_sql: String,
    /// The schema's own name, after those of the schemas around it; empty for a temporary table.
    pub schema: Vec<String>,
    pub table: String,
    /// Target columns, in the order of the batches'.
    pub columns: Vec<String>,
    /// Load in the session's transaction, and begin it first if none is open; else in one of its own.
    pub begin: bool,
}

/// As the history of queries shows a load.
impl fmt::Display for IngestTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.create_sql.is_empty() {
            let separator = if self.create_sql.trim_end().ends_with(';') {
                ""
            } else {
                ";"
            };
            write!(formatter, "{}{separator} ", self.create_sql.trim_end())?;
        }
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let columns: Vec<_> = self.columns.iter().map(|column| quote(column)).collect();
        let path: Vec<_> = self
            .schema
            .iter()
            .chain([&self.table])
            .map(|name| quote(name))
            .collect();
        write!(
            formatter,
            "INSERT INTO {} ({}) <rows of the client>",
            path.join("."),
            columns.join(", ")
        )
    }
}

enum Item {
    Batch(RecordBatch),
    End,
}

/// A load in progress. Only [`Ingest::finish`] makes it happen; dropped before, it leaves nothing behind.
///
/// The call is made with the first batch, not before: the statement may still have to start reading from the same
/// session, and a load holds the session inside a transaction.
pub struct Ingest {
    sender: Mutex<Option<mpsc::Sender<Item>>>,
    call: Mutex<Call>,
    connection: Connection,
    session_id: String,
    in_transaction: bool,
    recording: Mutex<Recording>,
}

enum Call {
    Prepared(BoxFuture<'static, Result<u64>>),
    Made(JoinHandle<Result<u64>>),
    Over,
}

impl Ingest {
    /// Prepare a load.
    ///
    /// # Errors
    /// If the session had to be opened anew, and could not.
    pub async fn start(session: &Session, target: IngestTarget, schema: SchemaRef) -> Result<Self> {
        let recording = Recording::start(&target.to_string(), session.connection().endpoint());
        let command = duckling_protocol::Ingest {
            create_sql: target.create_sql,
            schema: target.schema,
            table: target.table,
            columns: target.columns,
            begin: target.begin,
            apart: !target.begin,
        };
        let (sender, receiver) = mpsc::channel(MAX_QUEUED_BATCHES);
        let mut request = Request::new(encode(receiver, schema, &command));
        let (connection, session_id) = (session.connection().clone(), session.id_for_call(target.begin).await?);
        name_session(&mut request, &session_id)?;
        let call = put(connection.clone(), request).boxed();
        Ok(Self {
            sender: Mutex::new(Some(sender)),
            call: Mutex::new(Call::Prepared(call)),
            connection,
            session_id,
            in_transaction: target.begin,
            recording: Mutex::new(recording),
        })
    }

    /// Hand over a batch; waits while the server is behind.
    ///
    /// # Errors
    /// What the load failed with.
    pub async fn push(&self, batch: RecordBatch) -> Result<()> {
        let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
        self.send(Item::Batch(batch)).await?;
        self.lock_recording().transferred(rows, bytes);
        Ok(())
    }

    /// Wait until the server has loaded everything. Returns the number of rows.
    ///
    /// # Errors
    /// What the load failed with; then nothing was loaded. `OutcomeUnknown` if the answer was lost.
    pub async fn finish(&self) -> Result<u64> {
        self.send(Item::End).await?;
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.outcome().await.map_err(|error| {
            if self.in_transaction {
                error.inside_transaction()
            } else {
                error.outcome_unknown("the rows were loaded")
            }
        })
    }

    /// Whether a load that has not finished leaves nothing behind, as its transaction has to be committed yet.
    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// `host:port` of the server.
    pub fn endpoint(&self) -> &str {
        self.connection.endpoint()
    }

    /// Have the server stop the load; what has become of it is what [`Ingest::finish`] returns.
    pub async fn interrupt(&self) {
        interrupt(&self.connection, &self.session_id).await;
    }

    fn lock_recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, item: Item) -> Result<()> {
        self.make_call();
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = match sender {
            Some(sender) => sender.send(item).await.is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        // The server has ended the call before its end: its answer says why.
        self.outcome().await?;
        Err(Error::Protocol("the server ended a load before its end".to_string()))
    }

    fn make_call(&self) {
        let mut call = self.lock_call();
        *call = match std::mem::replace(&mut *call, Call::Over) {
            Call::Prepared(prepared) => Call::Made(runtime().spawn(prepared)),
            made => made,
        };
    }

    async fn outcome(&self) -> Result<u64> {
        let call = std::mem::replace(&mut *self.lock_call(), Call::Over);
        let Call::Made(call) = call else {
            return Err(Error::Protocol("the load has already failed".to_string()));
        };
        let outcome = call
            .await
            .unwrap_or_else(|error| Err(Error::Protocol(error.to_string())));
        if let Err(error) = &outcome {
            self.lock_recording().failed(error);
        }
        outcome
    }

    fn lock_call(&self) -> MutexGuard<'_, Call> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        match &*self.lock_call() {
            Call::Made(call) => {
                // Resets the stream: the server sees a load that was cut off, and rolls back.
                call.abort();
                self.lock_recording().failed(&Error::Interrupted("Interrupted!"));
            }
            Call::Prepared(_) => self.lock_recording().discard(),
            Call::Over => {}
        }
    }
}

async fn put(connection: Connection, request: Request<impl Stream<Item = FlightData> + Send + 'static>) -> Result<u64> {
    let mut answers = connection
        .flight()
        .do_put(request)
        .await
        .map_err(|status| connection.error(&status))?
        .into_inner();
    let answer = answers.message().await.map_err(|status| connection.error(&status))?;
    let answer = answer.ok_or_else(|| Error::Protocol("a load was not answered".to_string()))?;
    let answer = DoPutUpdateResult::decode(answer.app_metadata).map_err(|error| Error::Protocol(error.to_string()))?;
    Ok(u64::try_from(answer.record_count).unwrap_or(0))
}

/// Schema, batches, end mark. Without the mark, the server takes the load for cut off.
fn encode(
    receiver: mpsc::Receiver<Item>,
    schema: SchemaRef,
    command: &duckling_protocol::Ingest,
) -> impl Stream<Item = FlightData> + Send + 'static {
    let descriptor = FlightDescriptor::new_cmd(command.pack().encode_to_vec());
    let (ended, has_ended) = std::sync::mpsc::channel();
    let batches = stream::unfold((receiver, ended), |(mut receiver, ended)| async move {
        match receiver.recv().await? {
            Item::Batch(batch) => Some((Ok::<_, FlightError>(batch), (receiver, ended))),
            Item::End => {
                let _ = ended.send(());
                None
            }
        }
    });
    let messages = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_flight_descriptor(Some(descriptor))
        .with_dictionary_handling(DictionaryHandling::Resend)
        .with_max_flight_data_size(MAX_MESSAGE_BYTES)
        .build(batches);
    let mark = stream::once(async move {
        has_ended.try_recv().ok().map(|()| FlightData {
            app_metadata: INGEST_END.into(),
            ..FlightData::default()
        })
    });
    // A batch that cannot be encoded ends the stream without its mark.
    let messages = messages.map(|message| message.ok()).chain(mark);
    messages
        .take_while(|message| futures::future::ready(message.is_some()))
        .filter_map(futures::future::ready)
}
