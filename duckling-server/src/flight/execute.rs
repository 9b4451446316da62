//! `DoGet` of Duckherder's own Execute: run one statement of a session in one round trip.

use duckling_protocol::Execute;
use tonic::{Response, Status};

use super::encode::{FlightDataStream, encode};
use super::status::from_engine;
use crate::engine::Session;

/// Run the statement and stream what it returns.
pub async fn execute(session: &Session, command: Execute) -> Result<Response<FlightDataStream>, Status> {
    let results = session
        .execute(command.sql, command.begin.into())
        .await
        .map_err(|error| from_engine(&error))?;
    Ok(Response::new(encode(results)))
}
