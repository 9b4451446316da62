//! `duckherder_stop_local_server()`: stop the duckling inside this process.

use duckdb_neo::Result;
use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::extension::Extension;
use duckdb_neo::signature::SignatureBuilder;

use super::{boolean_function, local_server};

/// Register the function.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    boolean_function::register(extension, "duckherder_stop_local_server", SignatureBuilder::new(), stop)
}

fn stop(_arguments: &mut VectorCollection, _row: usize) -> Result<Option<bool>> {
    local_server::stop().map_err(|error| boolean_function::invalid_input(&error))?;
    Ok(Some(true))
}
