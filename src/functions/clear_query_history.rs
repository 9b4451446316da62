//! `duckherder_clear_query_recorder_stats()`: forget what `duckherder_get_query_history()` shows.

use duckdb_neo::Result;
use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::extension::Extension;
use duckdb_neo::signature::SignatureBuilder;

use super::boolean_function;
use crate::client::clear_query_history;

/// Register the function.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    let signature = SignatureBuilder::new();
    boolean_function::register(extension, "duckherder_clear_query_recorder_stats", signature, clear)
}

fn clear(_arguments: &mut VectorCollection, _row: usize) -> Result<Option<bool>> {
    clear_query_history();
    Ok(Some(true))
}
