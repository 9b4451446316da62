//! `DoAction` of Duckherder's own actions: sessions, describe, catalog, transactions.

use std::pin::Pin;
use std::sync::Arc;

use arrow::error::ArrowError;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::{Action, IpcMessage, SchemaAsIpc};
use duckling_protocol::{
    CatalogRequest, CatalogResponse, DescribeRequest, DescribeResponse, OpenSession, PROTOCOL_VERSION, SESSION_HEADER,
    SessionOpened, TransactionControl, action,
};
use futures::stream::{self, Stream, StreamExt};
use prost::Message;
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status};

use super::execute::conditions;
use super::sessions::Sessions;
use super::status::from_engine;
use crate::engine::{Conditions, EngineError, ReturnKind, duckdb_version};

pub type ActionStream = Pin<Box<dyn Stream<Item = Result<arrow_flight::Result, Status>> + Send>>;

/// Run one action.
///
/// # Errors
/// `invalid_argument` for an action that is not ours, or a body that is not its message.
pub async fn act(sessions: &Arc<Sessions>, request: Request<Action>) -> Result<Response<ActionStream>, Status> {
    let (metadata, _, request) = request.into_parts();
    let body = request.body;
    let answer = match request.r#type.as_str() {
        action::OPEN_SESSION => open_session(sessions.clone(), decode(&body)?).await?.encode_to_vec(),
        action::CLOSE_SESSION => {
            if let Some(id) = metadata.get(SESSION_HEADER).and_then(|id| id.to_str().ok()) {
                sessions.close(id);
            }
            Vec::new()
        }
        action::DESCRIBE => {
            let request: DescribeRequest = decode(&body)?;
            let session = sessions.of(&metadata)?;
            let description = session
                .describe(request.sql, conditions(request.begin, request.settings))
                .await
                .map_err(engine_status)?;
            let IpcMessage(schema) = SchemaAsIpc::new(&description.schema, &IpcWriteOptions::default())
                .try_into()
                .map_err(|error: ArrowError| Status::internal(format!("cannot encode the schema: {error}")))?;
            let return_kind = match description.return_kind {
                ReturnKind::Rows => duckling_protocol::ReturnKind::Rows,
                ReturnKind::ChangedRows => duckling_protocol::ReturnKind::ChangedRows,
                ReturnKind::Nothing => duckling_protocol::ReturnKind::Nothing,
            };
            DescribeResponse {
                schema,
                column_types: description.column_types,
                return_kind: return_kind.into(),
                read_only: description.read_only,
            }
            .encode_to_vec()
        }
        action::CATALOG => {
            let request: CatalogRequest = decode(&body)?;
            let session = sessions.of(&metadata)?;
            let snapshot = session
                .snapshot(request.known_version, Conditions::beginning(request.begin))
                .await
                .map_err(engine_status)?;
            CatalogResponse { snapshot }.encode_to_vec()
        }
        action::TRANSACTION => {
            let request: TransactionControl = decode(&body)?;
            sessions
                .of(&metadata)?
                .end_transaction(request.commit)
                .await
                .map_err(engine_status)?;
            Vec::new()
        }
        other => return Err(Status::invalid_argument(format!("unknown action {other}"))),
    };
    let answer = arrow_flight::Result { body: answer.into() };
    Ok(Response::new(stream::iter([Ok(answer)]).boxed()))
}

async fn open_session(sessions: Arc<Sessions>, request: OpenSession) -> Result<SessionOpened, Status> {
    if request.protocol_version != PROTOCOL_VERSION {
        return Err(Status::failed_precondition(format!(
            "the client speaks version {} of the Duckherder protocol, this server version {PROTOCOL_VERSION}: \
             use the same release of both",
            request.protocol_version
        )));
    }
    let opened = spawn_blocking(move || {
        let (session_id, session) = sessions.open(&request.database)?;
        session.keep_duckdb_types()?;
        Ok::<_, EngineError>(SessionOpened {
            session_id,
            server_version: env!("CARGO_PKG_VERSION").to_string(),
            duckdb_version: duckdb_version(),
            database: session.database().to_string(),
            functions: if request.want_functions {
                sessions.functions()?
            } else {
                Vec::new()
            },
        })
    });
    opened
        .await
        .map_err(|_| Status::unavailable("the server is shutting down"))?
        .map_err(engine_status)
}

fn engine_status(error: EngineError) -> Status {
    from_engine(&error)
}

fn decode<T: Message + Default>(body: &[u8]) -> Result<T, Status> {
    T::decode(body).map_err(|error| Status::invalid_argument(format!("cannot decode the action's body: {error}")))
}
