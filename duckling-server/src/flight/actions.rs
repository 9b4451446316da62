//! `DoAction` beyond Flight SQL: Duckherder's own actions, and Flight's that arrow-flight does not dispatch.

use std::pin::Pin;
use std::sync::Arc;

use arrow_flight::Action;
use duckling_protocol::{
    CatalogRequest, OpenSession, PROTOCOL_VERSION, QueryHistoryRequest, SESSION_HEADER, SessionOpened,
    TransactionControl, WorkersRequest, action,
};
use futures::stream::{self, Stream, StreamExt};
use prost::Message;
use tokio::task::spawn_blocking;
use tonic::{Extensions, Request, Response, Status};

use super::sessions::Sessions;
use super::sql::cancel;
use super::status::{from_engine, internal};
use super::{load_extension, members, query_history, session_options};
use crate::cluster::Cluster;
use crate::engine::{Conditions, EngineError, duckdb_version};

/// Name of the standard action.
pub const CANCEL_FLIGHT_INFO: &str = "CancelFlightInfo";

pub type ActionStream = Pin<Box<dyn Stream<Item = Result<arrow_flight::Result, Status>> + Send>>;

/// Run one action.
///
/// # Errors
/// `invalid_argument` for an action that is not ours, or a body that is not its message.
pub async fn act(
    sessions: &Arc<Sessions>,
    cluster: &Arc<Cluster>,
    request: Request<Action>,
) -> Result<Response<ActionStream>, Status> {
    let (metadata, extensions, request) = request.into_parts();
    let body = request.body;
    let session = async || sessions.named_or_linked(&metadata, &extensions).await;
    let answer = match request.r#type.as_str() {
        action::OPEN_SESSION => open_session(sessions, decode(&body)?, &extensions)
            .await?
            .encode_to_vec(),
        action::CLOSE_SESSION => {
            if let Some(id) = metadata.get(SESSION_HEADER).and_then(|id| id.to_str().ok()) {
                sessions.close(id);
            }
            Vec::new()
        }
        action::CATALOG => {
            let request: CatalogRequest = decode(&body)?;
            let session = session().await?;
            session
                .snapshot(
                    request.known_version,
                    request.want_states,
                    Conditions::beginning(request.begin),
                )
                .await
                .map_err(engine_status)?
                .encode_to_vec()
        }
        action::INTERRUPT => {
            session().await?.interrupt();
            Vec::new()
        }
        action::TRANSACTION => {
            let request: TransactionControl = decode(&body)?;
            session()
                .await?
                .end_transaction(request.commit)
                .await
                .map_err(engine_status)?;
            Vec::new()
        }
        action::LOAD_EXTENSION => {
            // Only for clients with a session.
            session().await?;
            load_extension::load(sessions, decode(&body)?).await?.encode_to_vec()
        }
        action::QUERY_HISTORY => {
            let _: QueryHistoryRequest = decode(&body)?;
            // Only for clients with a session.
            session().await?;
            query_history::answer(sessions.history()).encode_to_vec()
        }
        action::JOIN => members::join(cluster, decode(&body)?, &extensions)
            .await?
            .encode_to_vec(),
        action::HEARTBEAT => members::heartbeat(cluster, decode(&body)?, &extensions)?.encode_to_vec(),
        action::RELEASE => members::release(cluster, &decode(&body)?).encode_to_vec(),
        action::LEAVE => members::leave(cluster, &decode(&body)?).encode_to_vec(),
        // The rest is asked by clients, who have a session.
        action::REGISTER_WORKER => {
            session().await?;
            members::register_worker(cluster, decode(&body)?).await?.encode_to_vec()
        }
        action::UNREGISTER_WORKER => {
            session().await?;
            members::unregister_worker(cluster, decode(&body)?)
                .await?
                .encode_to_vec()
        }
        action::REGISTER_DRIVER => {
            session().await?;
            members::register_driver(cluster, decode(&body)?).await?.encode_to_vec()
        }
        action::WORKERS => {
            let _: WorkersRequest = decode(&body)?;
            session().await?;
            members::workers(cluster).encode_to_vec()
        }
        action::QUERY_PROGRESS => members::query_progress(cluster, &decode(&body)?).encode_to_vec(),
        CANCEL_FLIGHT_INFO => cancel::cancel_flight_info(sessions, &body)?.encode_to_vec(),
        session_options::SET_SESSION_OPTIONS => session_options::set(&session().await?, &body).await?.encode_to_vec(),
        session_options::GET_SESSION_OPTIONS => session_options::get(&session().await?).await?.encode_to_vec(),
        session_options::CLOSE_SESSION => session_options::close(sessions, &session().await?).encode_to_vec(),
        other => return Err(Status::invalid_argument(format!("unknown action {other}"))),
    };
    let answer = arrow_flight::Result { body: answer.into() };
    Ok(Response::new(stream::iter([Ok(answer)]).boxed()))
}

async fn open_session(
    sessions: &Arc<Sessions>,
    request: OpenSession,
    extensions: &Extensions,
) -> Result<SessionOpened, Status> {
    if request.protocol_version != PROTOCOL_VERSION {
        return Err(Status::failed_precondition(format!(
            "the client speaks version {} of the Duckherder protocol, this server version {PROTOCOL_VERSION}: \
             use the same release of both",
            request.protocol_version
        )));
    }
    let session = sessions.open(&request.database, None, true, extensions).await?;
    let (functions, databases) = if request.want_names {
        let sessions = sessions.clone();
        spawn_blocking(move || sessions.names())
            .await
            .map_err(|_| internal("listing functions and databases was given up"))?
            .map_err(engine_status)?
    } else {
        Default::default()
    };
    Ok(SessionOpened {
        session_id: session.id().to_string(),
        server_version: env!("CARGO_PKG_VERSION").to_string(),
        duckdb_version: duckdb_version(),
        database: session.database().to_string(),
        functions,
        databases,
    })
}

fn engine_status(error: EngineError) -> Status {
    from_engine(&error)
}

fn decode<T: Message + Default>(body: &[u8]) -> Result<T, Status> {
    T::decode(body).map_err(|error| Status::invalid_argument(format!("cannot decode the action's body: {error}")))
}
