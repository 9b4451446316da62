//! `CommandGetPrimaryKeys`: the primary key of a table.

use arrow_flight::sql::CommandGetPrimaryKeys;
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::keys::{Table, primary_key, primary_key_schema};
use super::metadata::{flight_info, send};
use crate::engine::Session;
use crate::flight::encode::FlightDataStream;

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetPrimaryKeys,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    flight_info(&command, &primary_key_schema(), descriptor)
}

/// List the key's columns.
///
/// # Errors
/// `NotFound` if there is no such table.
pub async fn do_get(session: &Session, command: CommandGetPrimaryKeys) -> Result<Response<FlightDataStream>, Status> {
    let table = Table::find(
        session,
        command.catalog.as_deref(),
        command.db_schema.as_deref(),
        &command.table,
    )
    .await?;
    Ok(send(primary_key(session, &table).await?))
}
