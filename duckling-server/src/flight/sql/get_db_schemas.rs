//! `CommandGetDbSchemas`: the schemas of the server's databases.

use arrow::datatypes::DataType;
use arrow_flight::sql::CommandGetDbSchemas;
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::metadata::{CATALOG, columns, flight_info, query, send, texts};
use crate::engine::Session;
use crate::flight::encode::FlightDataStream;

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetDbSchemas,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let schema = command.clone().into_builder().schema();
    flight_info(&command, &schema, descriptor)
}

/// List the schemas that pass the command's filters.
///
/// # Errors
/// DuckDB's own.
pub async fn do_get(session: &Session, command: CommandGetDbSchemas) -> Result<Response<FlightDataStream>, Status> {
    let sql = format!("{CATALOG} SELECT database_name, name FROM schemas");
    let shape = columns(&[("catalog", DataType::Utf8), ("schema", DataType::Utf8)]);
    let rows = query(session, sql, shape).await?;
    // The builder filters and sorts as the specification says.
    let mut builder = command.into_builder();
    for (catalog, schema) in texts(&rows, 0).zip(texts(&rows, 1)) {
        builder.append(catalog, schema);
    }
    Ok(send(builder.build()?))
}
