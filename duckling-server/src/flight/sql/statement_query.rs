//! `CommandStatementQuery`: describe a query with `GetFlightInfo`, run it with `DoGet`.
//!
//! The ticket carries the SQL text, so a query may be fetched on any connection, and more than once.

use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use prost::Message;
use tonic::{Response, Status};

use crate::engine::{Conditions, Session};
use crate::flight::encode::{FlightDataStream, encode};
use crate::flight::status::from_engine;

/// Bind the query; its schema and the ticket to run it.
pub async fn get_flight_info(
    session: &Session,
    query: CommandStatementQuery,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let description = session
        .describe(query.query.clone(), Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    let ticket = TicketStatementQuery {
        statement_handle: query.query.into_bytes().into(),
    };
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec()));
    let info = FlightInfo::new()
        .try_with_schema(&description.schema)
        .map_err(|error| Status::internal(format!("cannot encode the schema: {error}")))?
        .with_endpoint(endpoint)
        .with_descriptor(descriptor)
        .with_ordered(true);
    Ok(Response::new(info))
}

/// Run the query that a ticket names.
pub async fn do_get(session: &Session, ticket: &TicketStatementQuery) -> Result<Response<FlightDataStream>, Status> {
    let sql = String::from_utf8(ticket.statement_handle.to_vec())
        .map_err(|_| Status::invalid_argument("the ticket is not one of this server's"))?;
    let results = session
        .execute(sql, Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    Ok(Response::new(encode(results)))
}
