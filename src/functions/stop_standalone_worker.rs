//! `duckherder_stop_standalone_worker(port)`: stop a duckling that waits for a driver, or has one.

use duckdb_neo::Result;
use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::extension::Extension;
use duckdb_neo::signature::{FunctionParameter, FunctionParameterKind, SignatureBuilder};

use super::duckling::port_number;
use super::{boolean_function, standalone_worker};

/// Register the function.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    let signature = SignatureBuilder::new()
        .param(FunctionParameter::new::<i64>("port").kind(FunctionParameterKind::PositionalOnly));
    boolean_function::register(extension, "duckherder_stop_standalone_worker", signature, stop)
}

fn stop(arguments: &mut VectorCollection, row: usize) -> Result<Option<bool>> {
    let Some(port) = arguments.get_vector_at::<i64>(0)?.reader()?.get(row)?.copied() else {
        return Ok(None);
    };
    standalone_worker::stop(port_number(port)?).map_err(|error| boolean_function::invalid_input(&error))?;
    Ok(Some(true))
}
