//! What can be wrong in a test file.

use std::path::PathBuf;

use sqllogictest::ParseErrorKind as RecordErrorKind;

/// A mistake in a test file, with its place.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {kind}", path.display())]
pub struct ParseError {
    path: PathBuf,
    line: usize,
    #[source]
    pub kind: ParseErrorKind,
}

#[derive(Debug, thiserror::Error)]
pub enum ParseErrorKind {
    #[error("cannot read the file: {0}")]
    Unreadable(#[source] std::io::Error),
    #[error("a line of white space separates nothing; leave it empty")]
    BlankLine,
    #[error("unknown directive `{0}`")]
    UnknownDirective(String),
    #[error("`{0}` must be followed by an empty line or a comment")]
    NotSeparated(String),
    #[error("expected `{0}`")]
    Usage(&'static str),
    #[error("`{0}` is not a whole number")]
    NotANumber(String),
    #[error("no SQL follows")]
    NoSql,
    #[error("`statement ok` cannot have an expected error")]
    UnexpectedError,
    #[error("`statement {0}` needs the expected error below `----`")]
    MissingError(String),
    #[error("unknown column type `{0}`: only T, I and R are known, one for each column")]
    UnknownColumnType(char),
    #[error(transparent)]
    Record(RecordErrorKind),
    #[error(
        "`skipif` and `onlyif` take `duckdb`, another system, or `variable=value` with = <> < <= > >=, joined by &&"
    )]
    BadCondition,
    #[error("`{0}` is not the variable of a surrounding loop")]
    UnknownLoopVariable(String),
    #[error("the loop runs zero times")]
    EmptyLoop,
    #[error("unknown collection `{0}` in foreach")]
    UnknownCollection(String),
    #[error("the iterator has {names} names, but `{value}` has {values} values")]
    IteratorMismatch { names: usize, value: String, values: usize },
    #[error("this loop has no `endloop`")]
    MissingEndloop,
    #[error("`endloop` without a loop")]
    EndloopWithoutLoop,
    #[error("concurrent loops cannot be nested")]
    NestedConcurrency,
    #[error("`{0}` must stand outside of loops")]
    InsideLoop(String),
    #[error("`{0}` cannot stand in a concurrent loop")]
    InsideConcurrentLoop(String),
    #[error("a concurrent loop gives each iteration its own connection; named ones cannot be used")]
    NamedConnectionInConcurrentLoop,
    #[error("`mode unskip` without `mode skip`")]
    UnskipWithoutSkip,
    #[error("`tags` takes at least one tag, and stands once, before the first statement or query")]
    MisplacedTags,
    #[error("unknown mode `{0}`")]
    UnknownMode(String),
    #[error("unknown setting `{0}`")]
    UnknownSetting(String),
    #[error("`require {0}` is not supported")]
    UnsupportedRequirement(String),
    #[error("no_extension_autoloading needs an explanation in quotes that begins with EXPECTED or FIXME")]
    UnexplainedAutoloading,
    #[error("unknown unit `{0}`: expected seconds, milliseconds, microseconds or nanoseconds")]
    UnknownUnit(String),
}

impl ParseErrorKind {
    pub fn at(self, path: PathBuf, line: usize) -> ParseError {
        ParseError { path, line, kind: self }
    }
}
