//! Prepared statements: created and closed by actions, given values by `DoPut`, run by `DoGet` or `DoPut`.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::server::PeekableFlightDataStream;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, CommandPreparedStatementQuery,
    DoPutPreparedStatementResult, ProstMessageExt,
};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket};
use prost::Message;
use prost::bytes::Bytes;
use tonic::{Request, Response, Status};

use super::statement_query::{self, SchemaOnly};
use super::statement_update::UNKNOWN_COUNT;
use crate::engine::{Conditions, Parameters, Prepared, Results, ReturnKind};
use crate::flight::arrivals::receive;
use crate::flight::encode::{FlightDataStream, encode};
use crate::flight::sessions::Lease;
use crate::flight::status::{from_engine, internal};

/// A prepared statement of a session, and the values that it is to run with next.
pub struct PreparedStatement {
    prepared: Arc<Prepared>,
    transaction_id: Option<Bytes>,
    values: Mutex<Option<Arc<Parameters>>>,
}

impl PreparedStatement {
    fn values(&self) -> Option<Arc<Parameters>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What running it returns to a client that reads rows. One that only counts, or returns nothing, has none: so clients
    /// tell a query from an update.
    fn schema(&self) -> SchemaRef {
        match self.prepared.description.return_kind {
            ReturnKind::Rows => self.prepared.description.schema.clone(),
            ReturnKind::ChangedRows | ReturnKind::Nothing => Schema::empty().into(),
        }
    }
}

/// Bind a statement and keep it in the session.
pub async fn create(
    session: &Lease,
    request: ActionCreatePreparedStatementRequest,
) -> Result<ActionCreatePreparedStatementResult, Status> {
    session.check_transaction(request.transaction_id.as_ref())?;
    let prepared = session
        .prepare(request.query, Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    let statement = PreparedStatement {
        prepared: Arc::new(prepared),
        transaction_id: request.transaction_id,
        values: Mutex::default(),
    };
    let (dataset_schema, parameter_schema) = (
        schema_message(&statement.schema())?,
        schema_message(&statement.prepared.parameters)?,
    );
    Ok(ActionCreatePreparedStatementResult {
        prepared_statement_handle: session.keep_prepared(statement)?,
        dataset_schema,
        parameter_schema,
    })
}

/// Give a statement the values that it is to run with: one row for each run.
pub async fn bind(
    session: &Lease,
    handle: &[u8],
    messages: PeekableFlightDataStream,
) -> Result<DoPutPreparedStatementResult, Status> {
    let statement = session.prepared(handle)?;
    let values = read_values(session, messages).await?;
    *statement.values.lock().unwrap_or_else(PoisonError::into_inner) = values;
    Ok(DoPutPreparedStatementResult {
        prepared_statement_handle: None,
    })
}

/// The schema of a statement's result, and the ticket to run it. As with statements that are not prepared, one that is
/// not known to be a query runs now: clients go on to their next statement when this returns. That takes in a query whose
/// schema is known only with the values of its parameters.
pub async fn get_flight_info(
    session: &Lease,
    command: &CommandPreparedStatementQuery,
    request: Request<FlightDescriptor>,
) -> Result<Response<FlightInfo>, Status> {
    let statement = session.prepared(&command.prepared_statement_handle)?;
    if !statement.prepared.description.read_only && request.extensions().get::<SchemaOnly>().is_none() {
        return statement_query::keep(session, run(session, &statement).await?, request.into_inner());
    }
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(command.as_any().encode_to_vec()));
    let info = FlightInfo::new()
        .try_with_schema(&statement.prepared.description.schema)
        .map_err(|error| internal(format!("cannot encode the schema: {error}")))?
        .with_endpoint(endpoint)
        .with_descriptor(request.into_inner())
        .with_ordered(true);
    Ok(Response::new(info))
}

/// Run a statement with the values that it was given, and stream its rows.
pub async fn do_get(session: Lease, handle: &Bytes) -> Result<Response<FlightDataStream>, Status> {
    let statement = session.prepared(handle)?;
    let results = run(&session, &statement).await?;
    Ok(Response::new(encode(results, session, Some(handle.clone()))))
}

async fn run(session: &Lease, statement: &PreparedStatement) -> Result<Results, Status> {
    session.check_transaction(statement.transaction_id.as_ref())?;
    session
        .execute_prepared(statement.prepared.clone(), statement.values(), Conditions::default())
        .await
        .map_err(|error| from_engine(&error))
}

/// Run a statement once for each row of values that come with the call. Returns the changed rows, or -1 if it is not one
/// that counts them.
pub async fn do_put_update(session: &Lease, handle: &[u8], messages: PeekableFlightDataStream) -> Result<i64, Status> {
    let statement = session.prepared(handle)?;
    session.check_transaction(statement.transaction_id.as_ref())?;
    let values = match read_values(session, messages).await? {
        Some(values) => Some(values),
        None => statement.values(),
    };
    let changed = session
        .update_prepared(statement.prepared.clone(), values, Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    Ok(changed.unwrap_or(UNKNOWN_COUNT))
}

/// The rows of a stream as values; `None` if it has no columns.
async fn read_values(session: &Lease, messages: PeekableFlightDataStream) -> Result<Option<Arc<Parameters>>, Status> {
    let Some((batches, forward)) = receive(messages, None).await? else {
        return Ok(None);
    };
    let (values, ()) = tokio::join!(session.read_parameters(batches), forward);
    Ok(Some(Arc::new(values.map_err(|error| from_engine(&error))?)))
}

fn schema_message(schema: &Schema) -> Result<Bytes, Status> {
    let IpcMessage(message) = SchemaAsIpc::new(schema, &IpcWriteOptions::default())
        .try_into()
        .map_err(|error: ArrowError| internal(format!("cannot encode a schema: {error}")))?;
    Ok(message)
}
