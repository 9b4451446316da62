//! Results as Flight data.

use std::pin::Pin;

use arrow_flight::FlightData;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use futures::stream::{self, Stream, StreamExt};
use prost::bytes::Bytes;
use tonic::Status;

use super::sessions::Lease;
use super::status::to_flight_error;
use crate::engine::Results;

/// Largest Arrow message that is sent whole.
const MAX_MESSAGE_BYTES: usize = 4 << 20;

pub type FlightDataStream = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// Encode a result; `query_id` is what a client can cancel it by. The schema is sent at once, then each batch as it comes. Dropping the stream stops the statement.
pub fn encode(results: Results, lease: Lease, query_id: Option<Bytes>) -> FlightDataStream {
    let schema = results.schema();
    let running = lease.register_running(query_id, &results);
    // In this order they are dropped: the session outlives its results.
    let batches = stream::unfold((results, running, lease), |(mut results, running, lease)| async move {
        let batch = results.next().await?;
        lease.touch();
        Some((
            batch.map_err(|error| to_flight_error(&error)),
            (results, running, lease),
        ))
    });
    FlightDataEncoderBuilder::new()
        .with_schema(schema)
        // ENUMs are dictionaries, and must still be when they arrive.
        .with_dictionary_handling(DictionaryHandling::Resend)
        .with_max_flight_data_size(MAX_MESSAGE_BYTES)
        .build(batches)
        .map(|message| message.map_err(Status::from))
        .boxed()
}
