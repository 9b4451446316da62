//! Results as Flight data.

use std::pin::Pin;

use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use tonic::Status;

use super::sessions::{Lease, Running};
use super::status::to_flight_error;
use crate::engine::Results;

/// Largest Arrow message that is sent whole.
const MAX_MESSAGE_BYTES: usize = 4 << 20;

pub type FlightDataStream = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// Encode a result; `query_id` is what a client can cancel it by. The schema is sent at once, then each batch as it comes.
/// Dropping the stream stops the statement.
pub fn encode(results: Results, lease: Lease, query_id: Option<Bytes>) -> FlightDataStream {
    let running = lease.register_running(query_id, &results);
    encode_answer(Bytes::new(), results.schema(), Some(results), (running, lease))
}

/// The same, with `answer` as the application metadata of the schema message; without results, that message is all.
/// `held` is what must live as long as the results.
pub fn encode_answer(
    answer: Bytes,
    schema: SchemaRef,
    results: Option<Results>,
    held: (Option<Running>, Lease),
) -> FlightDataStream {
    let sent_bytes = results.as_ref().and_then(Results::sent_bytes);
    // In this order they are dropped: the session outlives its results.
    let batches = stream::unfold((results, held), |(results, held)| async move {
        let mut results = results?;
        let batch = results.next().await?;
        held.1.touch();
        Some((batch.map_err(|error| to_flight_error(&error)), (Some(results), held)))
    });
    FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_metadata(answer)
        // ENUMs are dictionaries, and must still be when they arrive.
        .with_dictionary_handling(DictionaryHandling::Resend)
        .with_max_flight_data_size(MAX_MESSAGE_BYTES)
        .build(batches)
        .inspect_ok(move |message| {
            if let Some(sent_bytes) = &sent_bytes {
                sent_bytes.add(message.data_header.len() + message.data_body.len() + message.app_metadata.len());
            }
        })
        .map(|message| message.map_err(Status::from))
        .boxed()
}
