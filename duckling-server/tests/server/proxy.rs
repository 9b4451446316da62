//! A network between two servers that can be cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on to a server, until it is cut: then nobody is let through, and nobody is told.
pub struct Proxy {
    pub address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Proxy {
    /// Pass on what comes to `listener`.
    pub fn start(listener: TcpListener, server: SocketAddr) -> Self {
        let address = listener.local_addr().expect("a bound listener");
        let (sender, is_cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(stream, server, is_cut.clone()));
            }
        });
        Self {
            address,
            is_cut: sender,
        }
    }

    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn pass_on(mut client: TcpStream, server: SocketAddr, mut is_cut: watch::Receiver<bool>) {
    let passing = async {
        if let Ok(mut server) = TcpStream::connect(server).await {
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    };
    tokio::select! {
        () = passing => return,
        _ = is_cut.wait_for(|is_cut| *is_cut) => {}
    }
    // Held open in silence, and of no use any more.
    let _ = is_cut.wait_for(|is_cut| !is_cut).await;
}
