//! What the metadata commands share: how one is announced and sent, and what the session sees as SQL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_empty_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::sql::ProstMessageExt;
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use futures::stream::{self, StreamExt};
use prost::Message;
use tonic::{Response, Status};

use crate::engine::Session;
use crate::flight::encode::FlightDataStream;
use crate::flight::status::from_engine;

/// A `WITH` clause that every query here begins with.
///
/// - `databases`: what clients know as catalogs: the attached databases, and `temp` once the session has put something
///   into it.
/// - `schemas` of these: the name of one inside another is its whole path; `quoted` is the same for use in SQL.
/// - `relations` of any database: tables and views that are not DuckDB's own; `kind` is the type that
///   `information_schema.tables` gives.
pub const CATALOG: &str = r#"WITH RECURSIVE databases AS (
    SELECT database_name, readonly FROM duckdb_databases() WHERE NOT internal
    UNION ALL
    SELECT 'temp', false WHERE EXISTS (FROM duckdb_tables() WHERE temporary)
        OR EXISTS (FROM duckdb_views() WHERE temporary AND NOT internal)
), schemas AS (
    SELECT database_name, oid, schema_name AS name, '"' || replace(schema_name, '"', '""') || '"' AS quoted
    FROM duckdb_schemas() SEMI JOIN databases USING (database_name) WHERE parent_schema_oid IS NULL
    UNION ALL
    SELECT child.database_name, child.oid, parent.name || '.' || child.schema_name,
        parent.quoted || '."' || replace(child.schema_name, '"', '""') || '"'
    FROM duckdb_schemas() AS child JOIN schemas AS parent
        ON child.database_name = parent.database_name AND child.parent_schema_oid = parent.oid
), relations AS (
    SELECT database_name, schema_oid, table_oid AS oid, table_name AS name,
        CASE WHEN temporary THEN 'LOCAL TEMPORARY' ELSE 'BASE TABLE' END AS kind
    FROM duckdb_tables() WHERE NOT internal
    UNION ALL
    SELECT database_name, schema_oid, view_oid, view_name, 'VIEW' FROM duckdb_views() WHERE NOT internal
)"#;

/// Answer `GetFlightInfo`: the schema of what `DoGet` sends, and the command itself as the ticket.
pub fn flight_info(
    command: &impl ProstMessageExt,
    schema: &Schema,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(command.as_any().encode_to_vec()));
    let info = FlightInfo::new()
        .try_with_schema(schema)
        .map_err(arrow_status)?
        .with_endpoint(endpoint)
        .with_descriptor(descriptor)
        .with_ordered(true);
    Ok(Response::new(info))
}

/// Answer `DoGet` with one batch.
pub fn send(batch: RecordBatch) -> Response<FlightDataStream> {
    let messages = FlightDataEncoderBuilder::new()
        .with_schema(batch.schema())
        .build(stream::iter([Ok(batch)]))
        .map(|message| message.map_err(Status::from));
    Response::new(messages.boxed())
}

/// Run a query in a session. Shape: one batch of `schema`, whatever Arrow types the session's settings ask for.
pub async fn query(session: &Session, sql: String, schema: SchemaRef) -> Result<RecordBatch, Status> {
    let batches = session.rows(sql).await.map_err(|error| from_engine(&error))?;
    conform(&batches, schema).map_err(arrow_status)
}

/// A schema of nullable texts and booleans, for results that go no further.
pub fn columns(fields: &[(&str, DataType)]) -> SchemaRef {
    let fields = fields
        .iter()
        .map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The texts of a column; NULL is the empty text.
pub fn texts(batch: &RecordBatch, column: usize) -> impl Iterator<Item = &str> {
    let texts: &StringArray = batch.column(column).as_string();
    texts.iter().map(Option::unwrap_or_default)
}

/// An error of Arrow's own: nothing that a client sent can cause one.
pub fn arrow_status(error: ArrowError) -> Status {
    Status::from(FlightError::from(error))
}

fn conform(batches: &[RecordBatch], schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().enumerate().map(|(index, field)| {
        let parts = batches
            .iter()
            .map(|batch| cast(batch.column(index), field.data_type()))
            .collect::<Result<Vec<ArrayRef>, _>>()?;
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        if parts.is_empty() {
            return Ok(new_empty_array(field.data_type()));
        }
        concat(&parts)
    });
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns)
}
