//! `CommandGetCrossReference`: the foreign keys of one table that refer to another.

use arrow_flight::sql::CommandGetCrossReference;
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::keys::{Table, foreign_key_schema, foreign_keys};
use super::metadata::{flight_info, send};
use crate::engine::Session;
use crate::flight::encode::FlightDataStream;

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetCrossReference,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    flight_info(&command, &foreign_key_schema(), descriptor)
}

/// List the columns of these keys.
///
/// # Errors
/// `NotFound` if there is no such table.
pub async fn do_get(
    session: &Session,
    command: CommandGetCrossReference,
) -> Result<Response<FlightDataStream>, Status> {
    let referenced = Table::find(
        session,
        command.pk_catalog.as_deref(),
        command.pk_db_schema.as_deref(),
        &command.pk_table,
    )
    .await?;
    let referring = Table::find(
        session,
        command.fk_catalog.as_deref(),
        command.fk_db_schema.as_deref(),
        &command.fk_table,
    )
    .await?;
    Ok(send(foreign_keys(session, Some(&referenced), Some(&referring)).await?))
}
