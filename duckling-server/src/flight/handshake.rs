//! `Handshake`: open a session, and name it by a bearer token that later calls carry.
//!
//! There are no users yet: any name and password are accepted.

use std::pin::Pin;
use std::sync::Arc;

use arrow_flight::{HandshakeRequest, HandshakeResponse};
use futures::stream::{self, Stream, StreamExt};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

use super::sessions::Sessions;
use super::status::internal;

pub type HandshakeStream = Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>;

/// Answer with a token, in the `authorization` header and as payload.
pub async fn shake_hands(
    sessions: &Arc<Sessions>,
    request: Request<Streaming<HandshakeRequest>>,
) -> Result<Response<HandshakeStream>, Status> {
    let (_, extensions, _) = request.into_parts();
    let session = sessions.open("", false, &extensions).await?;
    let answer = HandshakeResponse {
        protocol_version: 0,
        payload: session.id().to_string().into(),
    };
    let token: MetadataValue<_> = format!("Bearer {}", session.id())
        .parse()
        .map_err(|_| internal("the token is no header value"))?;
    let mut response = Response::new(stream::iter([Ok(answer)]).boxed() as HandshakeStream);
    response.metadata_mut().insert("authorization", token);
    Ok(response)
}
