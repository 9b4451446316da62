//! `CommandGetTableTypes`: the types of table that [`super::get_tables`] tells apart.

use arrow_flight::sql::CommandGetTableTypes;
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::metadata::{flight_info, send};
use crate::flight::encode::FlightDataStream;

/// The types that DuckDB's `information_schema.tables` and its JDBC driver know.
const TABLE_TYPES: [&str; 3] = ["BASE TABLE", "LOCAL TEMPORARY", "VIEW"];

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetTableTypes,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    flight_info(&command, &command.into_builder().schema(), descriptor)
}

/// List the types.
pub fn do_get(command: CommandGetTableTypes) -> Result<Response<FlightDataStream>, Status> {
    let mut builder = command.into_builder();
    for table_type in TABLE_TYPES {
        builder.append(table_type);
    }
    Ok(send(builder.build()?))
}
