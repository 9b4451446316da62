//! Calls to another duckling.

use std::future::Future;
use std::time::Duration;

use arrow_flight::Action;
use arrow_flight::flight_service_client::FlightServiceClient;
use duckling_protocol::{
    Done, ErrorDetail, Heartbeat, Join, Joined, Leave, QueryProgress, QueryProgressRequest, Release, WorkerStatus,
    action,
};
use prost::Message;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::error::ClusterError;

/// A connection to one server, made when it is first used.
#[derive(Clone)]
pub struct Peer {
    address: String,
    channel: Channel,
}

impl Peer {
    /// Prepare to call the server at `host:port`.
    ///
    /// # Errors
    /// `Unreachable` if that is no address.
    pub fn new(address: &str) -> Result<Self, ClusterError> {
        let endpoint =
            Endpoint::from_shared(format!("http://{address}")).map_err(|error| ClusterError::Unreachable {
                address: address.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            address: address.to_string(),
            channel: endpoint.tcp_nodelay(true).connect_lazy(),
        })
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub async fn heartbeat(&self, heartbeat: &Heartbeat, limit: Duration) -> Result<WorkerStatus, ClusterError> {
        self.within(limit, self.act(action::HEARTBEAT, heartbeat)).await
    }

    pub async fn join(&self, join: &Join, limit: Duration) -> Result<Joined, ClusterError> {
        self.within(limit, self.act(action::JOIN, join)).await
    }

    pub async fn leave(&self, leave: &Leave, limit: Duration) -> Result<Done, ClusterError> {
        self.within(limit, self.act(action::LEAVE, leave)).await
    }

    pub async fn release(&self, release: &Release, limit: Duration) -> Result<Done, ClusterError> {
        self.within(limit, self.act(action::RELEASE, release)).await
    }

    pub async fn query_progress(
        &self,
        request: &QueryProgressRequest,
        limit: Duration,
    ) -> Result<QueryProgress, ClusterError> {
        self.within(limit, self.act(action::QUERY_PROGRESS, request)).await
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, ClusterError>>,
    ) -> Result<T, ClusterError> {
        timeout(limit, call).await.unwrap_or_else(|_| {
            Err(ClusterError::Unreachable {
                address: self.address.clone(),
                reason: format!("no answer within {limit:?}"),
            })
        })
    }

    async fn act<Answer: Message + Default>(&self, name: &str, body: &impl Message) -> Result<Answer, ClusterError> {
        let action = Action {
            r#type: name.to_string(),
            body: body.encode_to_vec().into(),
        };
        let mut flight = FlightServiceClient::new(self.channel.clone());
        let answers = flight.do_action(Request::new(action)).await;
        let mut answers = answers.map_err(|status| self.error(&status))?.into_inner();
        let answer = answers.message().await.map_err(|status| self.error(&status))?;
        let not_duckling = |reason: String| ClusterError::NotDuckling {
            address: self.address.clone(),
            reason,
        };
        let answer = answer.ok_or_else(|| not_duckling("it did not answer an action".to_string()))?;
        Answer::decode(answer.body).map_err(|error| not_duckling(error.to_string()))
    }

    fn error(&self, status: &Status) -> ClusterError {
        let address = self.address.clone();
        match (ErrorDetail::from_status(status), status.code()) {
            (Some(detail), Code::InvalidArgument) => ClusterError::Refused {
                address,
                reason: detail.message,
            },
            (Some(detail), _) => ClusterError::Unreachable {
                address,
                reason: detail.message,
            },
            (None, code) if is_transient(code) || has_gone(status) => ClusterError::Unreachable {
                address,
                reason: root_cause(status),
            },
            (None, _) => ClusterError::NotDuckling {
                address,
                reason: status.message().to_string(),
            },
        }
    }
}

fn is_transient(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded
    )
}

/// The server has ended the connection as it stops, in the middle of the call.
fn has_gone(status: &Status) -> bool {
    causes(status)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .any(|error| error.reason() == Some(h2::Reason::NO_ERROR))
}

/// The innermost reason: the outer ones say only that a transport failed.
fn root_cause(status: &Status) -> String {
    let innermost = causes(status).last();
    innermost.map_or_else(|| status.message().to_string(), ToString::to_string)
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(status), |error| error.source())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);
    /// Frames of HTTP/2 begin with length (3 bytes), type, flags, and stream (4 bytes).
    const FRAME_HEADER: usize = 9;
    const HEADERS: u8 = 1;
    const SETTINGS: [u8; FRAME_HEADER] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    /// GOAWAY: no stream was looked at, and there was no error.
    const GO_AWAY: [u8; FRAME_HEADER + 8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// What a call says of a server that does this with the connection.
    async fn called<F: Future<Output = std::io::Result<()>> + Send + 'static>(
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> ClusterError {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (connection, _) = listener.accept().await.unwrap();
            serve(connection).await.unwrap();
        });
        let leave = Leave::default();
        Peer::new(&address).unwrap().leave(&leave, LIMIT).await.unwrap_err()
    }

    /// Read up to the headers of a call.
    async fn read_headers(connection: &mut TcpStream) -> std::io::Result<()> {
        let mut preface = [0; 24];
        connection.read_exact(&mut preface).await?;
        loop {
            let mut header = [0; FRAME_HEADER];
            connection.read_exact(&mut header).await?;
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            let mut payload = vec![0; length as usize];
            connection.read_exact(&mut payload).await?;
            if header[3] == HEADERS {
                return Ok(());
            }
        }
    }

    #[tokio::test]
    async fn a_server_that_stops_is_not_reached() {
        let error = called(|mut connection| async move {
            connection.write_all(&SETTINGS).await?;
            read_headers(&mut connection).await?;
            connection.write_all(&GO_AWAY).await?;
            connection.shutdown().await
        });
        let error = error.await;
        assert!(matches!(error, ClusterError::Unreachable { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_server_of_something_else_is_no_duckling() {
        let error = called(|mut connection| async move {
            connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
            // Until the client goes
            connection.read_to_end(&mut Vec::new()).await.map(drop)
        });
        let error = error.await;
        assert!(matches!(error, ClusterError::NotDuckling { .. }), "{error}");
    }
}
