//! `duckherder_start_local_server(port [, path := …])`: start a duckling inside this process.

use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::extension::Extension;
use duckdb_neo::signature::{FunctionParameter, FunctionParameterKind, SignatureBuilder};
use duckdb_neo::{Error, Result};

use super::{boolean_function, local_server};

/// Register the function.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    let signature = SignatureBuilder::new()
        .param(FunctionParameter::new::<i64>("port").kind(FunctionParameterKind::PositionalOnly))
        .param(FunctionParameter::with_default("path", local_server::IN_MEMORY).kind(FunctionParameterKind::Named));
    boolean_function::register(extension, "duckherder_start_local_server", signature, start)
}

fn start(arguments: &mut VectorCollection, row: usize) -> Result<Option<bool>> {
    let port = arguments.get_vector_at::<i64>(0)?.reader()?.get(row)?.copied();
    let path = arguments
        .get_vector_at::<String>(1)?
        .reader()?
        .get(row)?
        .map(str::to_owned);
    let (Some(port), Some(path)) = (port, path) else {
        return Ok(None);
    };
    let number = u16::try_from(port)
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| Error::invalid_input(format!("{port} is not a port: expected a number from 1 to 65535")))?;
    local_server::start(number, &path).map_err(|error| boolean_function::invalid_input(&error))?;
    Ok(Some(true))
}
