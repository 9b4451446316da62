//! Runs test files, each in a process of its own, several at once.
//!
//! A process per run keeps tests apart: a crash or a hang of the extension fails one file, by name and line, and not
//! the others; and what the extension keeps per process, such as its local server, is never shared.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::artifacts::Artifacts;
use crate::discover;
use crate::ffi;
use crate::parser;
use crate::report::{Report, Verdict};
use crate::runner::{Duckling, GRACE, position_file};
use crate::server::{Server, ServerError};
use crate::worker::{self, Assignment};

/// How much longer than its limit and grace a worker may take before it is killed.
const KILL_MARGIN: Duration = Duration::from_secs(10);

/// The marker in front of the arguments of a worker process.
pub const WORKER_ARGUMENT: &str = "--worker";

/// Where a run's server is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ServerKind {
    InProcess,
    Standalone,
}

/// One run of a test file.
#[derive(Debug, Clone)]
pub struct TestRun {
    pub file: PathBuf,
    pub shown_as: PathBuf,
    /// `None` when the file needs no server.
    pub server: Option<ServerKind>,
}

impl TestRun {
    /// The file, and the kind of server if any.
    pub fn name(&self) -> String {
        let kind = match self.server {
            None => "",
            Some(ServerKind::InProcess) => " [in-process]",
            Some(ServerKind::Standalone) => " [standalone]",
        };
        format!("{}{kind}", self.shown_as.display())
    }
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot make a temporary directory: {0}")]
    Directory(#[source] std::io::Error),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("cannot start a process for the test: {0}")]
    Spawn(#[source] std::io::Error),
}

/// Plans the runs of these files. A file that cannot be parsed gets one run, which reports the mistake.
pub fn plan(files: Vec<PathBuf>, servers: &[ServerKind]) -> Vec<TestRun> {
    let mut runs = Vec::new();
    for file in files {
        let shown_as = discover::shown(&file);
        let needs_server = parser::parse_file(&file, &shown_as).is_ok_and(|script| script.requires_duckling());
        if needs_server {
            let run = |server| TestRun {
                file: file.clone(),
                shown_as: shown_as.clone(),
                server: Some(server),
            };
            runs.extend(servers.iter().copied().map(run));
        } else {
            runs.push(TestRun {
                file,
                shown_as,
                server: None,
            });
        }
    }
    runs
}

/// What applies to every run.
pub struct Supervisor {
    pub artifacts: Artifacts,
    pub time_limit: Duration,
    pub jobs: usize,
}

impl Supervisor {
    /// Runs the tests, `jobs` at a time, and passes on each report as soon as it is there.
    pub fn run_all(&self, runs: &[TestRun], mut on_report: impl FnMut(&Report)) {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, runs.len().max(1)) {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while let Some(run) = runs.get(next.fetch_add(1, Ordering::SeqCst)) {
                        // The receiver lives until all senders are gone.
                        let _ = sender.send(self.run_one(run));
                    }
                });
            }
            drop(sender);
            receiver.iter().for_each(|report| on_report(&report));
        });
    }

    fn run_one(&self, run: &TestRun) -> Report {
        let start = Instant::now();
        let verdict = self
            .judge(run)
            .unwrap_or_else(|error| Verdict::Failed(format!("{}:1: {error}", run.shown_as.display())));
        Report {
            name: run.name(),
            verdict,
            duration: start.elapsed(),
        }
    }

    fn judge(&self, run: &TestRun) -> Result<Verdict, RunError> {
        let directory = tempfile::Builder::new()
            .prefix("unittest-")
            .tempdir()
            .map_err(RunError::Directory)?;
        let server = match run.server {
            Some(ServerKind::Standalone) => Some(Server::start(&self.artifacts.server_binary)?),
            _ => None,
        };
        let duckling = match (&server, run.server) {
            (Some(server), _) => Some(Duckling::Standalone { port: server.port() }),
            (None, Some(ServerKind::InProcess)) => Some(Duckling::InProcess),
            _ => None,
        };
        let assignment = Assignment {
            file: run.file.clone(),
            shown_as: run.shown_as.clone(),
            directory: directory.path().to_owned(),
            extension: self.artifacts.extension.clone(),
            time_limit_secs: self.time_limit.as_secs(),
            duckling,
        };
        let end = self.run_worker(&assignment)?;
        Ok(end.verdict(run, directory.path(), server.as_ref()))
    }

    fn run_worker(&self, assignment: &Assignment) -> Result<WorkerEnd, RunError> {
        let program = std::env::current_exe().map_err(RunError::Spawn)?;
        let mut command = Command::new(program);
        command.arg(WORKER_ARGUMENT).args(assignment.to_arguments());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        ffi::die_with_parent(&mut command);
        let mut child = command.spawn().map_err(RunError::Spawn)?;
        let stdout = read_all(child.stdout.take().expect("standard output is piped"));
        let stderr = read_all(child.stderr.take().expect("standard error is piped"));
        // The pipe closes when the worker ends, in whatever way.
        let output = stdout.recv_timeout(self.time_limit + GRACE + KILL_MARGIN);
        let killed = output.is_err();
        if killed {
            // It fails only when the process has ended by itself meanwhile.
            let _ = child.kill();
        }
        let status = child.wait().map_err(RunError::Spawn)?;
        let output = output.or_else(|_| stdout.recv()).unwrap_or_default();
        let error_output = stderr.recv().unwrap_or_default();
        Ok(WorkerEnd {
            status,
            killed,
            output,
            error_output,
        })
    }
}

/// How a worker ended.
struct WorkerEnd {
    status: ExitStatus,
    killed: bool,
    output: String,
    error_output: String,
}

impl WorkerEnd {
    fn verdict(self, run: &TestRun, directory: &Path, server: Option<&Server>) -> Verdict {
        let output = self.output.trim_end();
        match self.status.code() {
            Some(0) => return Verdict::Passed(output.to_owned()),
            Some(worker::SKIPPED) => {
                let reason = output.lines().last().unwrap_or("no reason given");
                return Verdict::Skipped(reason.to_owned());
            }
            _ => {}
        }
        let mut text = output.to_owned();
        if self.status.code() != Some(worker::FAILED) {
            let line = std::fs::read_to_string(position_file(directory)).unwrap_or_else(|_| "1".to_owned());
            let what = if self.killed { "hung and was killed" } else { "died" };
            let died = format!(
                "{}:{line}: the test process {what}: {}",
                run.shown_as.display(),
                self.status
            );
            text = if text.is_empty() {
                died
            } else {
                format!("{text}\n{died}")
            };
        }
        if !self.error_output.trim().is_empty() {
            text.push_str(&format!(
                "\nerror output of the test process:\n{}",
                self.error_output.trim_end()
            ));
        }
        text.push_str(&server.map(Server::error_output).unwrap_or_default());
        Verdict::Failed(text)
    }
}

/// Reads a pipe to its end on another thread.
fn read_all(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
