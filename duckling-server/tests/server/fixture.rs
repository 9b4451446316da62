//! The one fixture: a server on a free port, stopped and awaited when it goes.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{Action, Ticket};
use duckling_protocol::{Command, Execute, OpenSession, PROTOCOL_VERSION, SESSION_HEADER, SessionOpened, action};
use duckling_server::cluster::Cluster;
use duckling_server::{Config, ServerError};
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Nothing here takes long; what does is a hang.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    pub cluster: Arc<Cluster>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServerError>>,
}

impl Server {
    /// Start one on a free port.
    pub async fn start(config: Config) -> Self {
        Self::start_at("127.0.0.1:0", config).await
    }

    /// Start one there.
    pub async fn start_at(address: &str, config: Config) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let server = duckling_server::Server::open(config).await.expect("the databases open");
        let cluster = server.cluster();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(server.serve(listener, stopped, pending()));
        Self {
            address,
            cluster,
            stop,
            task,
        }
    }

    /// Stop it and wait for its end.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let ended = self.task.await.expect("the server does not panic");
        ended.expect("the server stops cleanly");
    }

    /// Wait until it ends by itself; why.
    pub async fn failure(self) -> ServerError {
        let ended = self.task.await.expect("the server does not panic");
        ended.expect_err("the server stops because of something")
    }
}

/// A new network connection.
pub async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a valid address");
    endpoint.connect().await.expect("the server accepts connections")
}

/// Run a test against a fresh server.
pub async fn with_server<Test: Future<Output = ()>>(test: impl FnOnce(Channel) -> Test) {
    with_config(Config::default(), test).await;
}

/// Run a test against a fresh server with settings of the test's own; it has stopped when this returns.
pub async fn with_config<Test: Future<Output = ()>>(config: Config, test: impl FnOnce(Channel) -> Test) {
    with_address(config, LIMIT, async |address| test(connect(address).await).await).await;
}

/// The same for a test that makes its connections itself, and may take until `limit`.
pub async fn with_address(config: Config, limit: Duration, test: impl AsyncFnOnce(SocketAddr)) {
    timeout(limit, async {
        let server = Server::start(config).await;
        test(server.address).await;
        server.stop().await;
    })
    .await
    .expect("the test ends in time");
}

/// Open a session on the default database; its id.
pub async fn open_session(channel: &Channel) -> String {
    open_session_on(channel, "").await.expect("a session").session_id
}

/// Open a session on a database.
pub async fn open_session_on(channel: &Channel, database: &str) -> Result<SessionOpened, Status> {
    let request = OpenSession {
        protocol_version: PROTOCOL_VERSION,
        database: database.to_string(),
        want_names: false,
    };
    let body = act(channel, action::OPEN_SESSION, &request, None).await?;
    Ok(SessionOpened::decode(body).expect("a session's answer"))
}

/// Run an action; the body of its one answer.
pub async fn act(
    channel: &Channel,
    name: &str,
    request: &impl Message,
    session_id: Option<&str>,
) -> Result<prost::bytes::Bytes, Status> {
    let action = Action {
        r#type: name.to_string(),
        body: request.encode_to_vec().into(),
    };
    let mut request = Request::new(action);
    if let Some(id) = session_id {
        request
            .metadata_mut()
            .insert(SESSION_HEADER, id.parse().expect("an id is a header value"));
    }
    let mut answers = FlightServiceClient::new(channel.clone())
        .do_action(request)
        .await?
        .into_inner();
    Ok(answers.message().await?.expect("one answer").body)
}

/// The request that runs a statement in a session.
pub fn execute(session_id: &str, sql: &str) -> Request<Ticket> {
    let command = Execute {
        sql: sql.to_string(),
        ..Execute::default()
    };
    in_session(session_id, Ticket::new(command.pack().encode_to_vec()))
}

/// A request of a session.
pub fn in_session<T>(session_id: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert(SESSION_HEADER, session_id.parse().expect("an id is a header value"));
    request
}
