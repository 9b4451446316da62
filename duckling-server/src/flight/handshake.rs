//! `Handshake`: open a session, and name it by a bearer token that later calls carry.
//!
//! There are no users yet: any name and password are accepted, and the name is shown in the query history.

use std::pin::Pin;
use std::sync::Arc;

use arrow_flight::{HandshakeRequest, HandshakeResponse};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use futures::stream::{self, Stream, StreamExt};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response, Status, Streaming};

use super::sessions::Sessions;
use super::status::internal;

pub type HandshakeStream = Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>;

/// Answer with a token, in the `authorization` header and as payload.
pub async fn shake_hands(
    sessions: &Arc<Sessions>,
    request: Request<Streaming<HandshakeRequest>>,
) -> Result<Response<HandshakeStream>, Status> {
    let (metadata, extensions, _) = request.into_parts();
    let session = sessions.open("", user_name(&metadata), false, &extensions).await?;
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

/// The name in HTTP's basic authentication, if there is one.
fn user_name(metadata: &MetadataMap) -> Option<String> {
    let value = metadata.get("authorization")?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    // Some clients leave the padding out.
    let credentials = credentials.trim().trim_end_matches('=');
    let credentials = String::from_utf8(BASE64_STANDARD_NO_PAD.decode(credentials).ok()?).ok()?;
    let (name, _password) = credentials.split_once(':')?;
    (!name.is_empty()).then(|| name.to_string())
}
