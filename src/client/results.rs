//! A result that is being read.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::decode::{DecodedFlightData, DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use duckling_protocol::ExecuteAnswer;
use futures::future::ready;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tonic::Streaming;

use super::connection::Connection;
use super::history::Recording;
use super::progress::Progress;
use crate::error::{Error, Result};

/// One remote result. Dropping it stops the statement on the server.
///
/// Shape: the statement's schema; any number of batches, in the server's order.
pub struct Results {
    decoder: FlightDataDecoder,
    schema: SchemaRef,
    connection: Connection,
    /// Ends when the last row was read, or with the result
    recording: Option<Recording>,
}

impl Results {
    /// Read up to the schema, and what the server says of the statement with it; both come before all rows.
    pub(super) async fn start(
        messages: Streaming<FlightData>,
        connection: Connection,
        progress: Option<Progress>,
    ) -> Result<(Self, ExecuteAnswer)> {
        let progress = progress.unwrap_or_default();
        let messages = messages
            .map_err(|status| FlightError::Tonic(Box::new(status)))
            .try_filter(move |message| ready(!progress.hear(message)));
        let mut decoder = FlightDataDecoder::new(messages);
        loop {
            let message = next_message(&mut decoder, &connection).await?;
            let message = message.ok_or_else(|| Error::Protocol("a result without a schema".to_string()))?;
            if let DecodedPayload::Schema(schema) = message.payload {
                let answer = ExecuteAnswer::decode(message.inner.app_metadata)
                    .map_err(|error| Error::Protocol(error.to_string()))?;
                let results = Self {
                    decoder,
                    schema,
                    connection,
                    recording: None,
                };
                return Ok((results, answer));
            }
        }
    }

    /// Have the execution recorded until its result was read or dropped.
    pub(super) fn record(&mut self, recording: Recording) {
        self.recording = Some(recording);
    }

    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next batch; `None` after the last.
    ///
    /// # Errors
    /// What the statement failed with, or `Disconnected`.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match next_message(&mut self.decoder, &self.connection).await {
                Ok(Some(message)) => {
                    if let DecodedPayload::RecordBatch(batch) = message.payload {
                        if let Some(recording) = &mut self.recording {
                            recording.transferred(batch.num_rows(), batch.get_array_memory_size());
                        }
                        return Ok(Some(batch));
                    }
                }
                Ok(None) => {
                    self.recording = None;
                    return Ok(None);
                }
                Err(error) => {
                    if let Some(mut recording) = self.recording.take() {
                        recording.failed(&error);
                    }
                    return Err(error);
                }
            }
        }
    }
}

async fn next_message(decoder: &mut FlightDataDecoder, connection: &Connection) -> Result<Option<DecodedFlightData>> {
    match decoder.next().await {
        None => Ok(None),
        Some(Ok(message)) => Ok(Some(message)),
        Some(Err(FlightError::Tonic(status))) => Err(connection.error(&status)),
        Some(Err(error)) => Err(Error::Protocol(error.to_string())),
    }
}
