//! `CommandGetCatalogs`: the databases of the server.

use arrow::datatypes::DataType;
use arrow_flight::sql::CommandGetCatalogs;
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::metadata::{CATALOG, columns, flight_info, query, send, texts};
use crate::engine::Session;
use crate::flight::encode::FlightDataStream;

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetCatalogs,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    flight_info(&command, &command.into_builder().schema(), descriptor)
}

/// List the attached databases, and `temp` while the session has temporary objects.
///
/// # Errors
/// DuckDB's own.
pub async fn do_get(session: &Session, command: CommandGetCatalogs) -> Result<Response<FlightDataStream>, Status> {
    let sql = format!("{CATALOG} SELECT database_name FROM databases");
    let rows = query(session, sql, columns(&[("catalog", DataType::Utf8)])).await?;
    let mut builder = command.into_builder();
    for catalog in texts(&rows, 0) {
        builder.append(catalog);
    }
    Ok(send(builder.build()?))
}
