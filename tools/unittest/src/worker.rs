//! The process that runs one test file. Its exit code tells the outcome, its standard output the details.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ffi;
use crate::parser;
use crate::runner::{self, Duckling, Outcome, RunOptions};

/// Exit codes of a worker, apart from zero for "passed"; anything else means that it died.
pub const FAILED: i32 = 1;
/// The last line of the output is the reason.
pub const SKIPPED: i32 = 77;

/// What the supervisor passes on the command line, in this order.
pub struct Assignment {
    pub file: PathBuf,
    pub shown_as: PathBuf,
    pub directory: PathBuf,
    pub extension: PathBuf,
    pub time_limit_secs: u64,
    pub duckling: Option<Duckling>,
}

impl Assignment {
    /// Writes the command line of a worker.
    pub fn to_arguments(&self) -> Vec<String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let duckling = match self.duckling {
            None => "none".to_owned(),
            Some(Duckling::InProcess) => "in-process".to_owned(),
            Some(Duckling::Standalone { port }) => port.to_string(),
        };
        vec![
            text(&self.file),
            text(&self.shown_as),
            text(&self.directory),
            text(&self.extension),
            self.time_limit_secs.to_string(),
            duckling,
        ]
    }

    /// Reads the command line of a worker; `None` when it was not written by [`Self::to_arguments`].
    pub fn from_arguments(arguments: &[String]) -> Option<Self> {
        let [file, shown_as, directory, extension, time_limit_secs, duckling] = arguments else {
            return None;
        };
        let duckling = match duckling.as_str() {
            "none" => None,
            "in-process" => Some(Duckling::InProcess),
            port => Some(Duckling::Standalone {
                port: port.parse().ok()?,
            }),
        };
        Some(Self {
            file: file.into(),
            shown_as: shown_as.into(),
            directory: directory.into(),
            extension: extension.into(),
            time_limit_secs: time_limit_secs.parse().ok()?,
            duckling,
        })
    }
}

/// Runs the file and returns the exit code.
pub fn run(assignment: Assignment) -> i32 {
    let script = match parser::parse_file(&assignment.file, &assignment.shown_as) {
        Ok(script) => script,
        Err(error) => {
            println!("{error}");
            return FAILED;
        }
    };
    let options = RunOptions {
        directory: assignment.directory,
        extension: assignment.extension,
        duckling: assignment.duckling,
        time_limit: Duration::from_secs(assignment.time_limit_secs),
    };
    let outcome = runner::run(&script, &options, |failure| {
        println!("{failure}");
        // Nothing can be done about an error here: the process ends.
        let _ = std::io::stdout().flush();
        ffi::exit_now(FAILED)
    });
    match outcome {
        Outcome::Passed => 0,
        Outcome::Failed(failures) => {
            failures.iter().for_each(|failure| println!("{failure}"));
            FAILED
        }
        Outcome::Skipped(reason) => {
            println!("{}", reason.replace('\n', " "));
            SKIPPED
        }
    }
}
