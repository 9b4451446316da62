//! What becomes of a statement: its description, its rows, and the state that it leaves.

use arrow::datatypes::SchemaRef;

use super::catalog;
use super::connection::{Connection, Description, ExpectedColumn};
use super::error::EngineError;
use super::outlet::Results;
use super::stream::BatchStream;

/// How far to go with a statement.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Run it.
    Run,
    /// Describe it, and run it if it returns these columns.
    RunExpecting(Vec<ExpectedColumn>),
    /// Describe it, and run it if it is a SELECT that changes nothing.
    DescribeAndRun,
    /// Describe it and leave it at that.
    Describe,
}

/// A statement that was described, run, or both.
pub struct Execution {
    pub schema: SchemaRef,
    /// Only if asked for.
    pub description: Option<Description>,
    /// Rows, if the statement was run.
    pub results: Option<Results>,
    /// Version of the session's catalog as its transaction sees it, after a statement that writes; 0 if unknown.
    pub catalog_version: u64,
    /// Whether the session is inside a transaction that only COMMIT or ROLLBACK ends.
    pub in_transaction: bool,
    /// The statement has run to its end already.
    pub has_run: bool,
    /// What its user is told beside its result.
    pub notices: Vec<String>,
}

/// Start a statement as `mode` says. Blocks.
pub(super) fn start(
    connection: &Connection,
    database: &str,
    sql: &str,
    mode: &Mode,
) -> Result<(Execution, Option<BatchStream>), EngineError> {
    // Of statements that have failed, or whose client does not ask for them.
    connection.take_notices()?;
    let (description, stream) = match mode {
        Mode::Run => (None, Some(connection.submit(sql)?)),
        Mode::RunExpecting(columns) => {
            let (description, stream) = connection.submit_expecting(sql, columns)?;
            (Some(description), stream)
        }
        Mode::DescribeAndRun => {
            let (description, stream) = connection.describe_and_submit(sql)?;
            (Some(description), stream)
        }
        Mode::Describe => (Some(connection.describe(sql)?), None),
    };
    let schema = match (&stream, &description) {
        (Some(stream), _) => stream.schema(),
        (None, Some(description)) => description.schema.clone(),
        (None, None) => return Err(EngineError::lost("statement")),
    };
    let execution = Execution {
        schema,
        description,
        results: None,
        // Unknown to a statement whose transaction has failed; the statement's own outcome is what counts.
        catalog_version: catalog::version(connection, database).unwrap_or(0),
        in_transaction: connection.in_transaction(),
        has_run: stream.as_ref().is_some_and(BatchStream::has_run),
        notices: connection.take_notices()?,
    };
    Ok((execution, stream))
}
