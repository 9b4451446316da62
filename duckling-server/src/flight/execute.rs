//! `DoGet` of Duckherder's own Execute: run one statement of a session in one round trip.

use duckling_protocol::{Execute, Setting};
use tonic::{Response, Status};

use super::encode::{FlightDataStream, encode};
use super::sessions::Lease;
use super::status::from_engine;
use crate::engine::Conditions;

/// Run the statement and stream what it returns.
pub async fn execute(session: Lease, command: Execute) -> Result<Response<FlightDataStream>, Status> {
    let results = session
        .execute(command.sql, conditions(command.begin, command.settings))
        .await
        .map_err(|error| from_engine(&error))?;
    Ok(Response::new(encode(results, session, None)))
}

/// What a request asks its statement to run under.
pub fn conditions(begin: bool, settings: Vec<Setting>) -> Conditions {
    Conditions {
        begin,
        settings: settings
            .into_iter()
            .map(|setting| (setting.name, setting.value))
            .collect(),
    }
}
