//! What every command of a run shares, also the commands of concurrent loops.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::deadline::Deadline;
use super::failure::{Cause, Failure, Stop};
use super::scope::{Bindings, Variables};
use crate::script::OutputMode;

/// Messages that make a test fail wherever they appear: DuckDB's verification found a difference, or an assertion failed.
const ALWAYS_FAIL: [&str; 2] = ["differs from original result!", "INTERNAL"];

pub struct Context {
    /// As shown to the user.
    pub path: PathBuf,
    pub variables: Variables,
    pub deadline: Deadline,
    pub output: OutputMode,
    pub ignored_errors: Vec<String>,
    pub forbidden_errors: Vec<String>,
    /// The rows seen under each label.
    pub labels: Mutex<HashMap<String, Vec<Vec<String>>>>,
    position: Position,
}

impl Context {
    pub fn new(path: PathBuf, variables: Variables, deadline: Deadline, position: Position) -> Self {
        Self {
            path,
            variables,
            deadline,
            output: OutputMode::Quiet,
            ignored_errors: Vec::new(),
            forbidden_errors: ALWAYS_FAIL.map(str::to_owned).to_vec(),
            labels: Mutex::default(),
            position,
        }
    }

    /// Marks the beginning of the command in `line`.
    ///
    /// # Errors
    /// When the time is over.
    pub fn begin(&self, line: usize, bindings: &Bindings) -> Result<Place, Stop> {
        self.position.set(line);
        let place = Place {
            line,
            bindings: bindings.clone(),
        };
        self.check_time(&place)?;
        Ok(place)
    }

    /// Fails when the time is over.
    pub fn check_time(&self, place: &Place) -> Result<(), Stop> {
        if self.deadline.is_over() {
            Err(place.fail(Cause::TimeLimit(self.deadline.limit_secs())))
        } else {
            Ok(())
        }
    }

    /// Replaces variables in a text of the test file.
    pub fn substitute(&self, place: &Place, text: &str) -> Result<String, Stop> {
        place
            .bindings
            .substitute(&self.variables, text)
            .map_err(|source| place.fail(Cause::NoPort(source)))
    }
}

/// Where in the file a command stands, and the loops around it.
#[derive(Debug, Clone)]
pub struct Place {
    pub line: usize,
    pub bindings: Bindings,
}

impl Place {
    pub fn fail(&self, cause: Cause) -> Stop {
        Stop::Failed(Failure {
            line: self.line,
            loops: self.bindings.to_vec(),
            cause,
        })
    }

    pub fn skip(&self, reason: String) -> Stop {
        Stop::Skipped {
            line: self.line,
            reason,
        }
    }
}

/// The line that runs, kept in a file too, so that it is known when the process dies.
pub struct Position {
    line: std::sync::Arc<AtomicUsize>,
    file: PathBuf,
}

impl Position {
    pub fn new(line: std::sync::Arc<AtomicUsize>, file: PathBuf) -> Self {
        Self { line, file }
    }

    fn set(&self, line: usize) {
        self.line.store(line, Ordering::SeqCst);
        // Only a help for finding a crash: a test must not fail because this cannot be written.
        let _ = std::fs::write(&self.file, line.to_string());
    }
}
