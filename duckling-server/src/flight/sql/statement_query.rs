//! `CommandStatementQuery`: a statement and its result.
//!
//! The ticket of a query carries its text, and may be used more than once.

use arrow::datatypes::Schema;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use prost::Message;
use prost::bytes::Bytes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::engine::{Conditions, Results};
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
    /// The statement has run, and its session keeps the result.
    #[prost(bool, tag = "4")]
    pub has_run: bool,
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

/// A mark among a request's extensions: only the schema is wanted.
#[derive(Clone, Copy)]
pub struct SchemaOnly;

/// The schema of a statement, and a ticket for its result. A query runs when the ticket is used. Anything else runs now:
/// clients go on to their next statement when this returns.
pub async fn get_flight_info(
    session: &Lease,
    query: CommandStatementQuery,
    request: Request<FlightDescriptor>,
) -> Result<Response<FlightInfo>, Status> {
    session.check_transaction(query.transaction_id.as_ref())?;
    let description = session
        .describe(query.query.clone(), Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    if !description.read_only && request.extensions().get::<SchemaOnly>().is_none() {
        let results = session
            .execute(query.query, Conditions::default())
            .await
            .map_err(|error| from_engine(&error))?;
        return keep(session, results, request.into_inner());
    }
    let ticket = StatementTicket {
        query_id: new_query_id(),
        sql: query.query,
        transaction_id: query.transaction_id,
        has_run: false,
    };
    flight_info(&ticket, &description.schema, request.into_inner())
}

/// Keep the result of a statement that has run until its client fetches it. The ticket is for that result, and good once.
pub fn keep(session: &Lease, results: Results, descriptor: FlightDescriptor) -> Result<Response<FlightInfo>, Status> {
    let ticket = StatementTicket {
        query_id: new_query_id(),
        has_run: true,
        ..StatementTicket::default()
    };
    let schema = results.schema();
    session.keep_results(ticket.query_id.clone(), results);
    flight_info(&ticket, &schema, descriptor)
}

fn new_query_id() -> Bytes {
    Bytes::from(Uuid::new_v4().to_string())
}

fn flight_info(
    ticket: &StatementTicket,
    schema: &Schema,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let ticket = TicketStatementQuery {
        statement_handle: ticket.encode_to_vec().into(),
    };
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec()));
    let info = FlightInfo::new()
        .try_with_schema(schema)
        .map_err(|error| internal(format!("cannot encode the schema: {error}")))?
        .with_endpoint(endpoint)
        .with_descriptor(descriptor)
        .with_ordered(true);
    Ok(Response::new(info))
}

/// The result that a ticket is for.
pub async fn do_get(session: Lease, ticket: &TicketStatementQuery) -> Result<Response<FlightDataStream>, Status> {
    let ticket = StatementTicket::from_handle(&ticket.statement_handle)?;
    let results = if ticket.has_run {
        session.take_results(&ticket.query_id)?
    } else {
        session.check_transaction(ticket.transaction_id.as_ref())?;
        session
            .execute(ticket.sql, Conditions::default())
            .await
            .map_err(|error| from_engine(&error))?
    };
    Ok(Response::new(encode(results, session, Some(ticket.query_id))))
}
