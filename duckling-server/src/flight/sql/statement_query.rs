//! `CommandStatementQuery`: describe a statement with `GetFlightInfo`, run it with `DoGet`.
//!
//! The ticket carries the SQL text. One of a query may be used more than once; one of a statement that writes runs once.

use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use prost::Message;
use prost::bytes::Bytes;
use tonic::{Response, Status};
use uuid::Uuid;

use crate::engine::Conditions;
use crate::flight::encode::{FlightDataStream, encode};
use crate::flight::sessions::Lease;
use crate::flight::status::{from_engine, internal};

/// What `TicketStatementQuery::statement_handle` holds.
#[derive(Clone, PartialEq, Message)]
pub struct StatementTicket {
    #[prost(bytes = "bytes", tag = "1")]
    pub query_id: Bytes,
    #[prost(string, tag = "2")]
    pub sql: String,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub transaction_id: Option<Bytes>,
    /// The statement may change something.
    #[prost(bool, tag = "4")]
    pub writes: bool,
}

impl StatementTicket {
    /// Read the handle of a ticket.
    ///
    /// # Errors
    /// `InvalidArgument` if this server did not make it.
    pub fn from_handle(handle: &[u8]) -> Result<Self, Status> {
        Self::decode(handle)
            .ok()
            .filter(|ticket| !ticket.query_id.is_empty())
            .ok_or_else(|| Status::invalid_argument("the ticket is not one of this server's"))
    }
}

/// Bind the statement; its schema and the ticket to run it.
pub async fn get_flight_info(
    session: &Lease,
    query: CommandStatementQuery,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    session.check_transaction(query.transaction_id.as_ref())?;
    let description = session
        .describe(query.query.clone(), Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    let ticket = StatementTicket {
        query_id: Bytes::from(Uuid::new_v4().to_string()),
        sql: query.query,
        transaction_id: query.transaction_id,
        writes: !description.read_only,
    };
    if ticket.writes {
        session.issue_ticket(ticket.query_id.clone());
    }
    let ticket = TicketStatementQuery {
        statement_handle: ticket.encode_to_vec().into(),
    };
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec()));
    let info = FlightInfo::new()
        .try_with_schema(&description.schema)
        .map_err(|error| internal(format!("cannot encode the schema: {error}")))?
        .with_endpoint(endpoint)
        .with_descriptor(descriptor)
        .with_ordered(true);
    Ok(Response::new(info))
}

/// Run the statement that a ticket names.
pub async fn do_get(session: Lease, ticket: &TicketStatementQuery) -> Result<Response<FlightDataStream>, Status> {
    let ticket = StatementTicket::from_handle(&ticket.statement_handle)?;
    session.check_transaction(ticket.transaction_id.as_ref())?;
    if ticket.writes {
        session.spend_ticket(&ticket.query_id)?;
    }
    let results = session
        .execute(ticket.sql, Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    Ok(Response::new(encode(results, session, Some(ticket.query_id))))
}
