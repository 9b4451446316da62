//! Results as Flight data.

use std::pin::Pin;

use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use tonic::Status;

use super::status::to_flight_error;
use crate::engine::Results;

/// Largest Arrow message that is sent whole.
const MAX_MESSAGE_BYTES: usize = 4 << 20;

pub type FlightDataStream = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// Encode a result; the schema is sent at once, then each batch as it comes. Dropping the stream stops the statement.
pub fn encode(results: Results) -> FlightDataStream {
    encode_answer(Bytes::new(), results.schema(), Some(results))
}

/// The same, with `answer` as the application metadata of the schema message; without results, that message is all.
pub fn encode_answer(answer: Bytes, schema: SchemaRef, results: Option<Results>) -> FlightDataStream {
    let batches = stream::unfold(results, |results| async move {
        let mut results = results?;
        let batch = results.next().await?;
        Some((batch.map_err(|error| to_flight_error(&error)), Some(results)))
    });
    FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_metadata(answer)
        // ENUMs are dictionaries, and must still be when they arrive.
        .with_dictionary_handling(DictionaryHandling::Resend)
        .with_max_flight_data_size(MAX_MESSAGE_BYTES)
        .build(batches)
        .map(|message| message.map_err(Status::from))
        .boxed()
}
