//! A result that is being read.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use futures::{StreamExt, TryStreamExt};
use tonic::Streaming;

use super::connection::Connection;
use crate::error::{Error, Result};

/// One remote result. Dropping it stops the statement on the server.
///
/// Shape: the statement's schema; any number of batches, in the server's order.
pub struct Results {
    decoder: FlightDataDecoder,
    schema: SchemaRef,
    connection: Connection,
}

impl Results {
    /// Read up to the schema, which comes before all rows.
    pub(super) async fn start(messages: Streaming<FlightData>, connection: Connection) -> Result<Self> {
        let mut decoder = FlightDataDecoder::new(messages.map_err(|status| FlightError::Tonic(Box::new(status))));
        loop {
            match next_payload(&mut decoder, &connection).await? {
                Some(DecodedPayload::Schema(schema)) => {
                    return Ok(Self {
                        decoder,
                        schema,
                        connection,
                    });
                }
                Some(_) => {}
                None => return Err(Error::Protocol("a result without a schema".to_string())),
            }
        }
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
            match next_payload(&mut self.decoder, &self.connection).await? {
                Some(DecodedPayload::RecordBatch(batch)) => return Ok(Some(batch)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
}

async fn next_payload(decoder: &mut FlightDataDecoder, connection: &Connection) -> Result<Option<DecodedPayload>> {
    match decoder.next().await {
        None => Ok(None),
        Some(Ok(message)) => Ok(Some(message.payload)),
        Some(Err(FlightError::Tonic(status))) => Err(connection.error(&status)),
        Some(Err(error)) => Err(Error::Protocol(error.to_string())),
    }
}
