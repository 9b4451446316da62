//! Executes a parsed test file in this process: one fresh database, its connections, its loops.

mod concurrent;
mod context;
mod deadline;
mod failure;
mod file_run;
mod require;
mod scope;
mod sql;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use deadline::GRACE;

use crate::database::{Interrupts, OpenOptions};
use crate::script::Script;
use context::{Context, Position};
use deadline::Deadline;
use failure::{Cause, Failure, Stop};
use file_run::FileRun;
use scope::Variables;

/// Everything a run needs besides the file.
pub struct RunOptions {
    /// An empty directory, removed by the caller afterwards.
    pub directory: PathBuf,
    pub extension: PathBuf,
    pub duckling: Option<Duckling>,
    pub time_limit: Duration,
}

/// The server for `require duckling`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Duckling {
    /// Started by the extension, in this process.
    InProcess,
    /// Listens on this port already.
    Standalone { port: u16 },
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    Passed,
    /// Each text begins with `file:line`.
    Failed(Vec<String>),
    Skipped(String),
}

/// Runs a test file. When it hangs beyond the grace period, `give_up` gets the failure and is to end the process.
pub fn run(script: &Script, options: &RunOptions, give_up: impl FnOnce(String) + Send + 'static) -> Outcome {
    let line = Arc::new(AtomicUsize::new(0));
    let interrupts = Interrupts::default();
    let deadline = start_clock(
        script,
        options.time_limit,
        Arc::clone(&line),
        interrupts.clone(),
        give_up,
    );
    let test_dir = options.directory.join("test_dir");
    if let Err(source) = std::fs::create_dir_all(&test_dir) {
        return Outcome::Failed(vec![format!("cannot create {}: {source}", test_dir.display())]);
    }
    let open_options = OpenOptions {
        state_directory: options.directory.clone(),
        ..OpenOptions::default()
    };
    let position = Position::new(line, position_file(&options.directory));
    let context = Context::new(
        script.path.clone(),
        Variables::new(test_dir),
        deadline.clone(),
        position,
    );
    let outcome = FileRun::new(context, open_options, interrupts, options).run(&script.commands);
    deadline.finish();
    outcome
}

/// Where a run leaves the number of the line that it executes.
pub fn position_file(directory: &std::path::Path) -> PathBuf {
    directory.join("position")
}

fn start_clock(
    script: &Script,
    limit: Duration,
    line: Arc<AtomicUsize>,
    interrupts: Interrupts,
    give_up: impl FnOnce(String) + Send + 'static,
) -> Deadline {
    let path = script.path.clone();
    Deadline::start(limit, interrupts, move || {
        let cause = Cause::TimeLimit(limit.as_secs());
        let failure = Failure {
            line: line.load(Ordering::SeqCst),
            loops: Vec::new(),
            cause,
        };
        give_up(format!(
            "{}, and the run does not react to being interrupted",
            failure.describe(&path)
        ));
    })
}

impl Outcome {
    fn new(path: &std::path::Path, result: Result<(), Stop>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(Stop::Skipped { line, reason }) => Self::Skipped(format!("line {line}: {reason}")),
            Err(Stop::Failed(failure)) => Self::Failed(vec![failure.describe(path)]),
        }
    }

    /// Adds what went wrong while cleaning up.
    fn and(self, path: &std::path::Path, cleanup: Result<(), Stop>) -> Self {
        match (self, Self::new(path, cleanup)) {
            (Self::Failed(mut failures), Self::Failed(more)) => {
                failures.extend(more);
                Self::Failed(failures)
            }
            (_, failed @ Self::Failed(_)) => failed,
            (outcome, _) => outcome,
        }
    }
}
