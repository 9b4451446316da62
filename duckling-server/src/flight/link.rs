//! The network connection of a client, as the calls on it see it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::Connected;

/// How long to wait when no connection can be accepted, as when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One network connection. It is in the extensions of every request on it, and gone when the connection is.
pub struct Link {
    peer: Option<SocketAddr>,
    session_id: Mutex<Option<String>>,
}

impl Link {
    fn new(peer: Option<SocketAddr>) -> Arc<Self> {
        Arc::new(Self {
            peer,
            session_id: Mutex::default(),
        })
    }

    /// Address of the client.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Id of the session of the calls that name none; absent until the first of them.
    pub fn session_id(&self) -> MutexGuard<'_, Option<String>> {
        self.session_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of a connection.
pub struct Wire {
    stream: TcpStream,
    link: Arc<Link>,
}

impl Connected for Wire {
    type ConnectInfo = Arc<Link>;

    fn connect_info(&self) -> Arc<Link> {
        self.link.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Every connection that `listener` accepts, for as long as it is polled.
pub fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Wire>> {
    stream::unfold(listener, |listener| async move {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Without it, small answers wait for the peer's delayed acknowledgement: 40 ms.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%peer, %error, "a connection was lost before it began");
                        continue;
                    }
                    let link = Link::new(Some(peer));
                    return Some((Ok(Wire { stream, link }), listener));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    })
}
