//! `DoPut` of Duckherder's own Ingest: load an Arrow stream into a table.

use std::pin::Pin;

use arrow_flight::PutResult;
use arrow_flight::sql::DoPutUpdateResult;
use arrow_flight::sql::server::PeekableFlightDataStream;
use duckling_protocol::{INGEST_END, Ingest};
use futures::stream::{self, Stream, StreamExt};
use prost::Message;
use tonic::{Response, Status};

use super::arrivals::receive;
use super::sessions::Lease;
use super::status::from_engine;
use crate::engine::{Conditions, Load};

pub type PutResultStream = Pin<Box<dyn Stream<Item = Result<PutResult, Status>> + Send>>;

/// Load the stream and answer with the number of rows.
///
/// # Errors
/// DuckDB's own; `invalid_argument` if the stream is no Arrow stream, or ends before its end mark. Then nothing has
/// changed.
pub async fn ingest(
    session: Lease,
    command: Ingest,
    messages: PeekableFlightDataStream,
) -> Result<Response<PutResultStream>, Status> {
    let Some((batches, forward)) = receive(messages, Some(INGEST_END)).await? else {
        return Err(Status::invalid_argument("the ingest stream has no schema"));
    };
    let source = Load {
        create_sql: Some(command.create_sql).filter(|sql| !sql.is_empty()),
        schema: command.schema,
        table: command.table,
        columns: command.columns,
        apart: command.apart,
        batches,
    };
    let load = session.load(source, Conditions::beginning(command.begin));
    let (rows, ()) = tokio::join!(load, forward);
    let rows = rows.map_err(|error| from_engine(&error))?;
    let result = DoPutUpdateResult {
        record_count: i64::try_from(rows).unwrap_or(i64::MAX),
    };
    let answer = PutResult {
        app_metadata: result.encode_to_vec().into(),
    };
    Ok(Response::new(stream::iter([Ok(answer)]).boxed()))
}
