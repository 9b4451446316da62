//! An Arrow stream that a client uploads, for a thread that may block.

use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_flight::FlightData;
use arrow_flight::decode::{DecodedFlightData, DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::sql::server::PeekableFlightDataStream;
use futures::FutureExt;
use futures::stream::{Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tonic::Status;

use super::status::malformed;

/// Batches that wait between the network and DuckDB.
const MAX_QUEUED_BATCHES: usize = 4;

/// The batches of an upload, and the task that has to run beside whoever reads them.
pub type Upload<Forward> = (Box<dyn RecordBatchReader + Send>, Forward);

/// Read an upload up to its schema; `None` if it has none, or one without columns.
///
/// With an `end_mark`, the application metadata of its last message, a stream that ends without it fails: it was cut off.
///
/// # Errors
/// `InvalidArgument` if it is no Arrow stream.
pub async fn receive(
    messages: PeekableFlightDataStream,
    end_mark: Option<&'static [u8]>,
) -> Result<Option<Upload<impl Future<Output = ()>>>, Status> {
    let is_whole = Arc::new(AtomicBool::new(end_mark.is_none()));
    let mut decoder = FlightDataDecoder::new(up_to(end_mark, messages, is_whole.clone()));
    let Some(schema) = read_schema(&mut decoder).await? else {
        return Ok(None);
    };
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_BATCHES);
    let arrivals = Arrivals {
        schema,
        receiver,
        ended: false,
    };
    Ok(Some((Box::new(arrivals), forward(decoder, sender, is_whole))))
}

async fn read_schema(decoder: &mut FlightDataDecoder) -> Result<Option<SchemaRef>, Status> {
    while let Some(message) = decode_next(decoder).await {
        if let DecodedPayload::Schema(schema) = message.map_err(malformed)?.payload {
            return Ok(Some(schema).filter(|schema| !schema.fields().is_empty()));
        }
    }
    Ok(None)
}

/// The next message. arrow panics at some of those whose body is shorter than their header says; the decoder must not be
/// used again after an error.
async fn decode_next(decoder: &mut FlightDataDecoder) -> Option<Result<DecodedFlightData, FlightError>> {
    let message = AssertUnwindSafe(decoder.next()).catch_unwind().await;
    message.unwrap_or_else(|_| {
        let cause = "a message does not hold what its header says".to_string();
        Some(Err(FlightError::DecodeError(cause)))
    })
}

/// The messages before the end mark; `is_whole` is set when the mark has come. Messages without Arrow data, such as one
/// that only names the command, are passed over.
fn up_to(
    end_mark: Option<&'static [u8]>,
    messages: PeekableFlightDataStream,
    is_whole: Arc<AtomicBool>,
) -> impl Stream<Item = Result<FlightData, FlightError>> + Send + 'static {
    messages
        .map_err(|status| FlightError::Tonic(Box::new(status)))
        .try_take_while(move |message| {
            let is_mark = end_mark.is_some_and(|mark| message.app_metadata == mark);
            is_whole.fetch_or(is_mark, Ordering::Relaxed);
            ready(Ok(!is_mark))
        })
        .try_filter(|message| ready(!message.data_header.is_empty()))
}

/// Pass batches on; a stream that ends without its mark was cut off and must not be committed.
async fn forward(mut decoder: FlightDataDecoder, sender: mpsc::Sender<Arrival>, is_whole: Arc<AtomicBool>) {
    loop {
        let arrival = match decode_next(&mut decoder).await {
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

/// Batches as they arrive.
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
                "the stream was cut off before its end".to_string(),
            ))),
        }
    }
}

impl RecordBatchReader for Arrivals {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
