//! Network connections: accepting them, closing them without loss, and cutting those that a client does not close when the
//! server stops.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{FusedFuture, Shared};
use futures::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use super::link::Link;

/// How long to wait when no connection can be accepted, as when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a client may take to read what was sent before its connection was closed.
pub const LINGER: Duration = Duration::from_secs(5);

/// Cuts all connections of a listener when it is dropped.
pub struct Cut(#[expect(dead_code, reason = "dropping it is what cuts")] oneshot::Sender<()>);

/// Accept connections until the stream is dropped, which closes the listener.
pub fn accept(listener: TcpListener) -> (impl Stream<Item = io::Result<Connection>>, Cut) {
    let (cut, is_cut) = oneshot::channel();
    let is_cut = is_cut.shared();
    let connections = stream::unfold(listener, move |listener| {
        let is_cut = is_cut.clone();
        async move {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        // Without it, small answers wait for the peer's delayed acknowledgement: 40 ms.
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!(%error, "cannot set TCP_NODELAY");
                        }
                        let link = Link::new(peer);
                        let connection = Connection {
                            stream,
                            link,
                            is_cut,
                            lingering: None,
                        };
                        return Some((Ok(connection), listener));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    });
    (connections, Cut(cut))
}

/// A client's TCP connection; once it is cut, reading and writing fail.
pub struct Connection {
    stream: TcpStream,
    link: Arc<Link>,
    is_cut: Shared<oneshot::Receiver<()>>,
    /// Until when the client may read on, once everything has been written.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    /// Fail if the connection is cut; wake the task when it is going to be.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let is_cut = self.is_cut.is_terminated() || Pin::new(&mut self.is_cut).poll(cx).is_ready();
        if is_cut {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the server is shutting down",
            ));
        }
        Ok(())
    }

    /// Wait until the client has closed its side. A socket that is closed while the client still sends (its HTTP/2 windows,
    /// say) is reset, and a reset discards what the client has not read yet.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let lingering = self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if lingering.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut discarded = [0; 1024];
            let mut buffer = ReadBuf::new(&mut discarded);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Link>;

    fn connect_info(&self) -> Arc<Link> {
        self.link.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        self.poll_linger(cx)
    }
}
