//! The shell's one error type. What DuckDB reports is shown in DuckDB's own words.

use std::io;

use rustyline::error::ReadlineError;

/// Why an input could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    #[error("{0}")]
    Database(String),
    #[error("cannot {action} \"{path}\": {source}")]
    File {
        action: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
    /// The errors themselves have been shown.
    #[error("\"{0}\" had errors")]
    Script(String),
    #[error("cannot run \"{command}\": {source}")]
    Process {
        command: String,
        #[source]
        source: io::Error,
    },
    #[error("unknown command \".{0}\"; enter \".help\" for a list")]
    UnknownCommand(String),
    #[error("\".{name}\" may mean {candidates}; enter \".help\" for a list")]
    AmbiguousCommand { name: String, candidates: String },
    #[error("usage: {0}")]
    Usage(String),
    #[error("unknown mode \"{name}\"; known modes: {known}")]
    UnknownMode { name: String, known: String },
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
    #[error("cannot read the input: {0}")]
    Input(#[source] io::Error),
    #[error("cannot listen to Ctrl-C: {0}")]
    Signals(#[source] io::Error),
    #[error("cannot use the terminal: {0}")]
    Terminal(#[source] ReadlineError),
}

impl ShellError {
    /// Tell whether the reader of the output has gone away, so that writing on is of no use.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
