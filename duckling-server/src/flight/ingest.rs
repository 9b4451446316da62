//! `DoPut` of Duckherder's own Ingest: load an Arrow stream into a table.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::sql::DoPutUpdateResult;
use arrow_flight::sql::server::PeekableFlightDataStream;
use arrow_flight::{FlightData, PutResult};
use duckling_protocol::{INGEST_END, Ingest};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use prost::Message;
use tokio::sync::mpsc;
use tonic::{Response, Status};

use super::status::from_engine;
use crate::engine::{Conditions, IngestSource, Session};

/// Batches that wait between the network and DuckDB.
const MAX_QUEUED_BATCHES: usize = 4;

pub type PutResultStream = Pin<Box<dyn Stream<Item = Result<PutResult, Status>> + Send>>;

/// Load the stream and answer with the number of rows.
///
/// # Errors
/// DuckDB's own; `invalid_argument` if the stream is no Arrow stream, `cancelled` if it ends before its end mark. Then
/// nothing has changed.
pub async fn ingest(
    session: Arc<Session>,
    command: Ingest,
    messages: PeekableFlightDataStream,
) -> Result<Response<PutResultStream>, Status> {
    let is_whole = Arc::new(AtomicBool::new(false));
    let mut decoder = FlightDataDecoder::new(up_to_end_mark(messages, is_whole.clone()));
    let schema = read_schema(&mut decoder).await?;
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_BATCHES);
    let source = IngestSource {
        create_sql: Some(command.create_sql).filter(|sql| !sql.is_empty()),
        schema: command.schema,
        table: command.table,
        columns: command.columns,
        apart: command.apart,
        batches: Box::new(Arrivals {
            schema,
            receiver,
            ended: false,
        }),
    };
    let load = session.ingest(source, Conditions::beginning(command.begin));
    let (rows, ()) = tokio::join!(load, forward(decoder, sender, &is_whole));
    let rows = rows.map_err(|error| from_engine(&error))?;
    let result = DoPutUpdateResult {
        record_count: i64::try_from(rows).unwrap_or(i64::MAX),
    };
    let answer = PutResult {
        app_metadata: result.encode_to_vec().into(),
    };
    Ok(Response::new(stream::iter([Ok(answer)]).boxed()))
}

async fn read_schema(decoder: &mut FlightDataDecoder) -> Result<SchemaRef, Status> {
    while let Some(message) = decoder.next().await {
        if let DecodedPayload::Schema(schema) = message?.payload {
            return Ok(schema);
        }
    }
    Err(Status::invalid_argument("the ingest stream has no schema"))
}

/// The messages before the end mark; `is_whole` is set when the mark has come.
fn up_to_end_mark(
    messages: PeekableFlightDataStream,
    is_whole: Arc<AtomicBool>,
) -> impl Stream<Item = Result<FlightData, FlightError>> + Send + 'static {
    messages
        .map_err(|status| FlightError::Tonic(Box::new(status)))
        .try_take_while(move |message| {
            let is_mark = message.app_metadata == INGEST_END;
            is_whole.fetch_or(is_mark, Ordering::Relaxed);
            ready(Ok(!is_mark))
        })
}

/// Pass batches on; a stream that ends without its mark was cut off and must not be committed.
async fn forward(mut decoder: FlightDataDecoder, sender: mpsc::Sender<Arrival>, is_whole: &AtomicBool) {
    loop {
        let arrival = match decoder.next().await {
            Some(Ok(message)) => match message.payload {
                DecodedPayload::RecordBatch(batch) => Arrival::Batch(batch),
                _ => continue,
            },
            Some(Err(error)) => Arrival::Failure(ArrowError::ExternalError(Box::new(error))),
            None if is_whole.load(Ordering::Relaxed) => Arrival::End,
            None => return,
        };
        let more = matches!(arrival, Arrival::Batch(_));
        // DuckDB stops reading when the statement fails; its error is the one to report.
        if sender.send(arrival).await.is_err() || !more {
            return;
        }
    }
}

enum Arrival {
    Batch(RecordBatch),
    Failure(ArrowError),
    End,
}

/// Batches as they arrive, for a thread that may block.
struct Arrivals {
    schema: SchemaRef,
    receiver: mpsc::Receiver<Arrival>,
    ended: bool,
}

impl Iterator for Arrivals {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let arrival = self.receiver.blocking_recv();
        self.ended = !matches!(arrival, Some(Arrival::Batch(_)));
        match arrival {
            Some(Arrival::Batch(batch)) => Some(Ok(batch)),
            Some(Arrival::End) => None,
            Some(Arrival::Failure(error)) => Some(Err(error)),
            // Also when the whole call was dropped because its client has vanished.
            None => Some(Err(ArrowError::IpcError(
                "the ingest stream was cut off before its end".to_string(),
            ))),
        }
    }
}

impl RecordBatchReader for Arrivals {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
