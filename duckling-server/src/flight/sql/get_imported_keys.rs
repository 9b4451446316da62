//! `CommandGetImportedKeys`: the foreign keys of a table.

use arrow_flight::sql::CommandGetImportedKeys;
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::keys::{Table, foreign_key_schema, foreign_keys};
use super::metadata::{flight_info, send};
use crate::engine::Session;
use crate::flight::encode::FlightDataStream;

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetImportedKeys,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    flight_info(&command, &foreign_key_schema(), descriptor)
}

/// List the columns of these keys.
///
/// # Errors
/// `NotFound` if there is no such table.
pub async fn do_get(session: &Session, command: CommandGetImportedKeys) -> Result<Response<FlightDataStream>, Status> {
    let table = Table::find(
        session,
        command.catalog.as_deref(),
        command.db_schema.as_deref(),
        &command.table,
    )
    .await?;
    Ok(send(foreign_keys(session, None, Some(&table)).await?))
}
