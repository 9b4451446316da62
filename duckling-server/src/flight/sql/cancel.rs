//! `CancelFlightInfo`, and `CancelQuery`, which it replaced: stop the statement that a ticket has started.

use arrow_flight::sql::{Any, Command};
use arrow_flight::{CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo};
use prost::Message;
use prost::bytes::Bytes;
use tonic::Status;

use super::statement_query::StatementTicket;
use crate::flight::sessions::Sessions;

/// Answer the action `CancelFlightInfo`.
pub fn cancel_flight_info(sessions: &Sessions, body: &[u8]) -> Result<CancelFlightInfoResult, Status> {
    let request = CancelFlightInfoRequest::decode(body)
        .map_err(|error| Status::invalid_argument(format!("cannot decode CancelFlightInfoRequest: {error}")))?;
    let info = request
        .info
        .ok_or_else(|| Status::invalid_argument("CancelFlightInfo must carry a FlightInfo"))?;
    cancel(sessions, &info)?;
    Ok(CancelFlightInfoResult {
        status: CancelStatus::Cancelled.into(),
    })
}

/// Stop whatever the tickets of `info` have started.
///
/// # Errors
/// `NotFound` if that is nothing.
pub fn cancel(sessions: &Sessions, info: &FlightInfo) -> Result<(), Status> {
    let mut cancelled = false;
    for ticket in info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref()) {
        cancelled |= sessions.cancel(&query_id(&ticket.ticket)?);
    }
    if cancelled {
        Ok(())
    } else {
        Err(Status::not_found(
            "the query is not running: it has not been started, or is over",
        ))
    }
}

fn query_id(ticket: &[u8]) -> Result<Bytes, Status> {
    let foreign = || Status::invalid_argument("the ticket is not one of this server's");
    let command = Any::decode(ticket)
        .ok()
        .and_then(|any| Command::try_from(any).ok())
        .ok_or_else(foreign)?;
    match command {
        Command::TicketStatementQuery(ticket) => Ok(StatementTicket::from_handle(&ticket.statement_handle)?.query_id),
        Command::CommandPreparedStatementQuery(command) => Ok(command.prepared_statement_handle),
        _ => Err(foreign()),
    }
}
