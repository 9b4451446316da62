//! `CommandGetXdbcTypeInfo`: DuckDB's types as JDBC and ODBC describe types.

use arrow_flight::sql::CommandGetXdbcTypeInfo;
use arrow_flight::sql::metadata::{XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::metadata::{flight_info, send};
use super::types;
use crate::flight::encode::FlightDataStream;

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetXdbcTypeInfo,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    flight_info(&command, &known_types()?.schema(), descriptor)
}

/// List the types, or those of one XDBC code.
pub fn do_get(command: CommandGetXdbcTypeInfo) -> Result<Response<FlightDataStream>, Status> {
    let batch = command.into_builder(&known_types()?).build()?;
    Ok(send(batch))
}

fn known_types() -> Result<XdbcTypeInfoData, Status> {
    let mut builder = XdbcTypeInfoDataBuilder::new();
    for info in types::all() {
        builder.append(info);
    }
    Ok(builder.build()?)
}
