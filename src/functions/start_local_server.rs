//! `duckherder_start_local_server(port)`: start a duckling inside this process.

use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::extension::Extension;
use duckdb_neo::signature::{FunctionParameter, SignatureBuilder};
use duckdb_neo::{Error, Result};

use super::{boolean_function, local_server};

/// Register the function.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    let signature = SignatureBuilder::new().param(FunctionParameter::new::<i64>("port"));
    boolean_function::register(extension, "duckherder_start_local_server", signature, start)
}

fn start(arguments: &mut VectorCollection, row: usize) -> Result<Option<bool>> {
    let ports = arguments.get_vector_at::<i64>(0)?.reader()?;
    let Some(port) = ports.get(row)?.copied() else {
        return Ok(None);
    };
    let number = u16::try_from(port)
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| Error::invalid_input(format!("{port} is not a port: expected a number from 1 to 65535")))?;
    local_server::start(number).map_err(|error| boolean_function::invalid_input(&error))?;
    Ok(Some(true))
}
