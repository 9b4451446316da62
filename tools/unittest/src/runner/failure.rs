//! Why a test file stopped before its end.

use std::path::{Path, PathBuf};

use crate::compare::{InvalidRegex, Mismatch};
use crate::database::DatabaseError;

/// The end of a run that did not reach the end of its file.
#[derive(Debug)]
pub enum Stop {
    Failed(Failure),
    /// The file does not apply here, or hit an error that it declared to be ignorable.
    Skipped {
        line: usize,
        reason: String,
    },
}

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    pub line: usize,
    /// The loop variables at that moment, outermost first.
    pub loops: Vec<(String, String)>,
    pub cause: Cause,
}

impl Failure {
    /// Describes the failure, beginning with `file:line`.
    pub fn describe(&self, path: &Path) -> String {
        let loops: String = self
            .loops
            .iter()
            .map(|(name, value)| format!(" [{name}={value}]"))
            .collect();
        format!("{}:{}:{loops} {}", path.display(), self.line, self.cause)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Cause {
    #[error("the SQL failed: {error}\n[SQL] {sql}")]
    UnexpectedError { sql: String, error: DatabaseError },
    #[error("the SQL should fail, but it succeeded\n[SQL] {sql}\n[Expected error] {expected}")]
    UnexpectedSuccess { sql: String, expected: String },
    #[error("wrong error\n[SQL] {sql}\n[Expected] {expected}\n[Actual  ] {actual}")]
    WrongError {
        sql: String,
        expected: String,
        actual: DatabaseError,
    },
    #[error("this error is never expected: {error}\n[SQL] {sql}")]
    ForbiddenError { sql: String, error: DatabaseError },
    #[error("{mismatch}\n[SQL] {sql}")]
    WrongResult { sql: String, mismatch: Mismatch },
    /// A difference in rows, which shows the SQL itself.
    #[error("{0}")]
    WrongRows(Mismatch),
    #[error("the result differs from an earlier one with the label `{label}`: {difference}")]
    LabelMismatch { label: String, difference: Mismatch },
    #[error("there is no result with the label `{0}`")]
    UnknownLabel(String),
    #[error("cannot read the expected result from {}: {source}", path.display())]
    ExpectedFile { path: PathBuf, source: DatabaseError },
    #[error(transparent)]
    Regex(#[from] InvalidRegex),
    #[error("cannot open the database: {0}")]
    Open(#[source] DatabaseError),
    #[error("cannot connect: {0}")]
    Connect(#[source] DatabaseError),
    #[error("cannot load the extension: {0}")]
    LoadExtension(#[source] DatabaseError),
    #[error("there is no extension at {}; build it, or name it with --extension", .0.display())]
    NoExtension(PathBuf),
    #[error("cannot start the server in the process: {0}")]
    StartServer(#[source] DatabaseError),
    #[error("cannot stop the server in the process: {0}")]
    StopServer(#[source] DatabaseError),
    #[error("an in-memory database cannot be restarted; `load` one from a file first")]
    RestartInMemory,
    #[error("{} is outside of the test directory, so it can only be loaded readonly", .0.display())]
    LoadOutside(PathBuf),
    #[error("`{0}` is already defined")]
    VariableDefined(String),
    #[error("cannot work with {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("no free port: {0}")]
    NoPort(#[source] std::io::Error),
    #[error("the time limit of {0} s is over")]
    TimeLimit(u64),
}
