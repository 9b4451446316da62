//! `DoAction` of Duckherder's own actions: sessions, catalog, transactions.

use std::pin::Pin;
use std::sync::Arc;

use arrow_flight::Action;
use duckling_protocol::{
    CatalogRequest, CatalogResponse, OpenSession, PROTOCOL_VERSION, SESSION_HEADER, SessionOpened, TransactionControl,
    action,
};
use futures::stream::{self, Stream, StreamExt};
use prost::Message;
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status};

use super::sessions::Sessions;
use super::status::from_engine;
use crate::engine::{Conditions, EngineError};

pub type ActionStream = Pin<Box<dyn Stream<Item = Result<arrow_flight::Result, Status>> + Send>>;

/// Run one action.
///
/// # Errors
/// `invalid_argument` for an action that is not ours, or a body that is not its message.
pub async fn act(sessions: &Arc<Sessions>, request: Request<Action>) -> Result<Response<ActionStream>, Status> {
    let (metadata, _, request) = request.into_parts();
    let body = request.body;
    tracing::debug!(action = request.r#type, "action");
    let answer = match request.r#type.as_str() {
        action::OPEN_SESSION => open_session(sessions.clone(), decode(&body)?).await?.encode_to_vec(),
        action::CLOSE_SESSION => {
            if let Some(id) = metadata.get(SESSION_HEADER).and_then(|id| id.to_str().ok()) {
                sessions.close(id);
            }
            Vec::new()
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
            duckdb_version: sessions.duckdb_version().to_string(),
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
