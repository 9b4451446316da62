//! A stand-alone server as a child process.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A running `duckling-server` on a free port of the loopback interface. Stopped when dropped.
pub struct Duckling {
    child: Child,
    port: u16,
}

impl Duckling {
    /// Start the server and wait until it listens.
    ///
    /// # Errors
    /// It cannot be started, ends at once, or does not say within 30 seconds where it listens.
    pub fn start(executable: &Path) -> Result<Self> {
        Self::start_with(executable, &[])
    }

    /// The same, with further arguments.
    ///
    /// # Errors
    /// As [`Duckling::start`].
    pub fn start_with(executable: &Path, arguments: &[&str]) -> Result<Self> {
        // Its log lines would stand between ours.
        let log = env::var_os("DUCKLING_LOG").unwrap_or_else(|| "warn".into());
        let mut child = Command::new(executable)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("DUCKLING_LOG", log)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", executable.display()))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut duckling = Self { child, port: 0 };
        duckling.port = listening_port(stdout)
            .with_context(|| format!("{} did not say `listening on 127.0.0.1:PORT`", executable.display()))?;
        Ok(duckling)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kill it, as a machine that fails does.
    pub fn kill(mut self) {
        // Fails only when the process is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Duckling {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let asked = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).is_ok();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while asked && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        eprintln!(
            "duckling-server did not stop within {} s of SIGTERM: killed",
            STOP_TIMEOUT.as_secs()
        );
        // Both fail only when the process is gone, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Read the port from the server's first line. Goes on reading in the background, so that the server never waits for a
/// full pipe.
fn listening_port(stdout: impl Read + Send + 'static) -> Result<u16> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let port = line
                .rsplit_once("listening on ")
                .and_then(|(_, address)| address.rsplit_once(':'));
            if let Some(port) = port.and_then(|(_, port)| port.trim().parse().ok()) {
                // The receiver is gone once it has its port.
                let _ = sender.send(port);
            }
        }
    });
    Ok(receiver.recv_timeout(START_TIMEOUT)?)
}
