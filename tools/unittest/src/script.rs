//! A parsed test file: what the parser produces and the runner executes.

use std::path::PathBuf;
use std::time::Duration;

pub use sqllogictest::SortMode;

/// A test file.
#[derive(Debug)]
pub struct Script {
    /// As shown to the user.
    pub path: PathBuf,
    pub commands: Vec<Command>,
}

impl Script {
    /// Tells whether the file asks for a server, and so runs once per kind of server.
    pub fn requires_duckling(&self) -> bool {
        self.commands.iter().any(|command| {
            matches!(
                command.kind,
                CommandKind::Require(Requirement::Duckling | Requirement::DucklingIcu)
            )
        })
    }
}

/// One directive with the line it starts on, counted from 1.
#[derive(Debug, PartialEq)]
pub struct Command {
    pub line: usize,
    /// All must hold, or the command is passed over.
    pub conditions: Vec<LoopCondition>,
    pub kind: CommandKind,
}

#[derive(Debug, PartialEq)]
pub enum CommandKind {
    Statement(Statement),
    Query(Query),
    Loop(Loop),
    Require(Requirement),
    RequireEnv {
        name: String,
        value: Option<String>,
    },
    TestEnv {
        name: String,
        default: String,
    },
    Load {
        path: Option<String>,
        read_only: bool,
        storage_version: Option<String>,
    },
    Restart {
        reload_extensions: bool,
    },
    Reconnect,
    OutputMode(OutputMode),
    HashThreshold(u64),
    IgnoreErrorMessages(Vec<String>),
    AlwaysFailErrorMessages(Vec<String>),
    Seed(String),
    ResetLabel(String),
    Sleep(Duration),
    Unzip {
        source: String,
        target: Option<String>,
    },
}

/// `statement ok|error|maybe [connection]`
#[derive(Debug, PartialEq)]
pub struct Statement {
    pub connection: Option<String>,
    pub sql: String,
    pub expected: StatementOutcome,
}

#[derive(Debug, PartialEq)]
pub enum StatementOutcome {
    Success,
    /// Fails with an error that matches the text.
    Error(String),
    /// Succeeds, or fails with an error that matches the text.
    Maybe(String),
}

/// `query TYPES [sort mode | connection] [label]`
#[derive(Debug, PartialEq)]
pub struct Query {
    pub connection: Option<String>,
    pub sql: String,
    pub column_count: usize,
    pub sort: SortMode,
    /// Queries with the same label must have equal results.
    pub label: Option<String>,
    /// The lines below `----`.
    pub expected: Vec<String>,
}

/// `loop`, `foreach` and their concurrent forms.
#[derive(Debug, PartialEq)]
pub struct Loop {
    /// Several when the iterator is written `a,b`.
    pub names: Vec<String>,
    /// One entry per iteration, each as long as `names`.
    pub iterations: Vec<Vec<String>>,
    /// Each iteration on its own connection and thread.
    pub concurrent: bool,
    pub body: Vec<Command>,
}

/// `onlyif v=3`, `skipif v>3`: a condition on the variable of a surrounding loop.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopCondition {
    pub variable: String,
    pub comparison: Comparison,
    pub value: String,
    /// True for `skipif`.
    pub skip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Requirement {
    /// The extension file under test.
    Duckherder,
    /// A server, and the extension.
    Duckling,
    /// The same, and the server has ICU.
    DucklingIcu,
    /// Any other extension.
    Extension(String),
    /// A vector of at least this many rows.
    VectorSize(u64),
    ExactVectorSize(u64),
    BlockSize(u64),
    /// Known at compile time.
    Platform {
        name: String,
        met: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OutputMode {
    /// Print each result.
    Result,
    /// Print the hash of each result.
    Hash,
    /// Print each SQL text and result.
    Debug,
    Quiet,
}
