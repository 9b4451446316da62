//! The gRPC channel to one server, shared by all sessions on it.

use std::future::Future;
use std::time::Duration;

use arrow_flight::Action;
use arrow_flight::flight_service_client::FlightServiceClient;
use duckling_protocol::SESSION_HEADER;
use prost::Message;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

use crate::error::{Error, Result};

/// Time for the TCP connection alone; together with the first answer it stays below [`ANSWER_TIMEOUT`].
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for a call that only opens or closes something.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// Between calls that were not looked at: a connection that closes may take further calls for a moment, and drop them.
const RETRY_PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(100),
];
/// HTTP/2 flow-control windows: what a result may run ahead of its reader.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
/// As large as HTTP/2 allows: streams that nobody reads must not hold up the others of their connection.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Error texts travel in headers, and DuckDB's can be long.
const MAX_HEADER_BYTES: u32 = 1 << 20;
/// A network that breaks without a word, as when a laptop sleeps, is noticed by pings, also while there is nothing to do: the
/// next statement then finds a new connection.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// A peer that does not answer a ping for this long is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A channel to one server. It connects on first use, and again after the connection was lost.
#[derive(Clone)]
pub struct Connection {
    endpoint: String,
    channel: Channel,
}

impl Connection {
    /// Prepare a channel to `endpoint`, `host:port`.
    ///
    /// # Errors
    /// `Unreachable` if that is no address.
    pub fn new(endpoint: String) -> Result<Self> {
        let unreachable = |reason: tonic::transport::Error| Error::Unreachable {
            endpoint: endpoint.clone(),
            reason: reason.to_string(),
        };
        let channel = Endpoint::from_shared(format!("http://{endpoint}"))
            .map_err(unreachable)?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .connect_lazy();
        Ok(Self { endpoint, channel })
    }

    /// A Flight client on the channel; cheap.
    pub fn flight(&self) -> FlightServiceClient<Channel> {
        FlightServiceClient::new(self.channel.clone())
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(usize::MAX)
    }

    /// `host:port` of the server.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A status of this server as an error.
    pub fn error(&self, status: &Status) -> Error {
        Error::from_status(status, &self.endpoint)
    }

    /// Run one action to its single answer.
    ///
    /// # Errors
    /// As the server reports it; `Protocol` if the answer is not an `Answer`.
    pub async fn act<Answer: Message + Default>(
        &self,
        action: &str,
        body: &impl Message,
        session_id: Option<&str>,
    ) -> Result<Answer> {
        let action = Action {
            r#type: action.to_string(),
            body: body.encode_to_vec().into(),
        };
        let answers = self.sending(action, session_id, async |mut flight, request| {
            flight.do_action(request).await
        });
        let answer = answers.await?.message().await.map_err(|status| self.error(&status))?;
        let answer = answer.ok_or_else(|| Error::Protocol("an action was not answered".to_string()))?;
        Answer::decode(answer.body).map_err(|error| Error::Protocol(error.to_string()))
    }

    /// Make a call, and again if its connection turns out to have been closed before the server looked at it.
    ///
    /// # Errors
    /// As the server reports it.
    pub async fn sending<Body: Clone, Answer>(
        &self,
        body: Body,
        session_id: Option<&str>,
        call: impl AsyncFn(
            FlightServiceClient<Channel>,
            Request<Body>,
        ) -> std::result::Result<Response<Streaming<Answer>>, Status>,
    ) -> Result<Streaming<Answer>> {
        let attempt = async || {
            let mut request = Request::new(body.clone());
            if let Some(id) = session_id {
                name_session(&mut request, id)?;
            }
            let answer = call(self.flight(), request).await;
            answer.map(Response::into_inner).map_err(|status| self.error(&status))
        };
        for pause in RETRY_PAUSES {
            match attempt().await {
                Err(Error::NotSent { .. }) => sleep(pause).await,
                outcome => return outcome,
            }
        }
        attempt().await
    }

    /// Bound a call that has no reason to take long.
    ///
    /// # Errors
    /// `NoAnswer` after four seconds.
    pub async fn promptly<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        timeout(ANSWER_TIMEOUT, call).await.unwrap_or_else(|_| {
            Err(Error::NoAnswer {
                endpoint: self.endpoint.clone(),
                waited: ANSWER_TIMEOUT,
            })
        })
    }
}

/// Say which session a request belongs to.
pub fn name_session<T>(request: &mut Request<T>, id: &str) -> Result<()> {
    let value = id
        .parse()
        .map_err(|_| Error::Protocol("the session id is no header value".to_string()))?;
    request.metadata_mut().insert(SESSION_HEADER, value);
    Ok(())
}
