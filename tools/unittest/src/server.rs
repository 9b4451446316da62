//! A stand-alone `duckling-server` for one run of a test file.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::ffi;

/// How long a server may take to say that it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What a server prints, once, in front of its address.
const ANNOUNCEMENT: &str = "listening on ";

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("cannot start {}: {source}", binary.display())]
    Spawn { binary: PathBuf, source: std::io::Error },
    #[error("{} did not say `{ANNOUNCEMENT}ADDRESS` within {} s{stderr}", binary.display(), START_LIMIT.as_secs())]
    Silent { binary: PathBuf, stderr: String },
    #[error("{} ended before it listened{stderr}", binary.display())]
    Ended { binary: PathBuf, stderr: String },
    #[error("`{0}` is not an address")]
    Address(String),
}

/// A running server; it is killed when this is dropped.
pub struct Server {
    child: Child,
    port: u16,
    stderr: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    /// Starts a server on a port of its choice and waits until it listens.
    ///
    /// # Errors
    /// When it does not start or listen; with what it wrote on its error output.
    pub fn start(binary: &Path) -> Result<Self, ServerError> {
        let mut command = Command::new(binary);
        command.args(["--listen", "127.0.0.1:0"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        ffi::die_with_parent(&mut command);
        let mut child = command.spawn().map_err(|source| ServerError::Spawn {
            binary: binary.to_owned(),
            source,
        })?;
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = collect(child.stderr.take().expect("standard error is piped"));
        let announced = watch(stdout);
        // From here on the process is killed on every way out.
        let mut server = Self { child, port: 0, stderr };
        match announced.recv_timeout(START_LIMIT) {
            Ok(address) => {
                let parsed = address
                    .parse::<SocketAddr>()
                    .map_err(|_| ServerError::Address(address))?;
                server.port = parsed.port();
                Ok(server)
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Err(ServerError::Silent {
                binary: binary.to_owned(),
                stderr: server.error_output(),
            }),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                // The process is gone; give the other pipe a moment to be drained.
                let _ = server.child.wait();
                thread::sleep(Duration::from_millis(50));
                Err(ServerError::Ended {
                    binary: binary.to_owned(),
                    stderr: server.error_output(),
                })
            }
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the server wrote on its error output so far, with a heading; empty when it wrote nothing.
    pub fn error_output(&self) -> String {
        let bytes = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        match String::from_utf8_lossy(&bytes).trim_end() {
            "" => String::new(),
            text => format!("\nerror output of the server:\n{text}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes on the announced address; the rest of the output is read and dropped, so that the server never blocks.
fn watch(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut sender = Some(sender);
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let (Some(address), Some(waiting)) = (line.trim().strip_prefix(ANNOUNCEMENT), sender.as_ref()) {
                // Nobody waits any more when the time was over.
                let _ = waiting.send(address.to_owned());
                sender = None;
            }
        }
    });
    receiver
}

fn collect(mut pipe: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let collected = Arc::new(Mutex::new(Vec::new()));
    let target = Arc::clone(&collected);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            target
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(&buffer[..length]);
        }
    });
    collected
}
