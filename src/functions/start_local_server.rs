//! `duckherder_start_local_server(port [, workers] [, path := …])`: start a duckling inside this process, and workers for it.

use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::extension::Extension;
use duckdb_neo::signature::{FunctionParameter, FunctionParameterKind, SignatureBuilder};
use duckdb_neo::{Error, Result};

use super::duckling::port_number;
use super::{boolean_function, local_server};

/// Register the function.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    let signature = SignatureBuilder::new()
        .param(FunctionParameter::new::<i64>("port").kind(FunctionParameterKind::PositionalOnly))
        .param(FunctionParameter::with_default("workers", 0i64))
        .param(FunctionParameter::with_default("path", local_server::IN_MEMORY).kind(FunctionParameterKind::Named));
    boolean_function::register(extension, "duckherder_start_local_server", signature, start)
}

fn start(arguments: &mut VectorCollection, row: usize) -> Result<Option<bool>> {
    let port = arguments.get_vector_at::<i64>(0)?.reader()?.get(row)?.copied();
    let workers = arguments.get_vector_at::<i64>(1)?.reader()?.get(row)?.copied();
    let path = arguments
        .get_vector_at::<String>(2)?
        .reader()?
        .get(row)?
        .map(str::to_owned);
    let (Some(port), Some(workers), Some(path)) = (port, workers, path) else {
        return Ok(None);
    };
    let port = port_number(port)?;
    let workers = usize::try_from(workers)
        .ok()
        .filter(|workers| *workers <= local_server::MAX_WORKERS)
        .ok_or_else(|| {
            Error::invalid_input(format!(
                "{workers} is not a number of workers: expected 0 to {}",
                local_server::MAX_WORKERS
            ))
        })?;
    local_server::start(port, &path, workers).map_err(|error| boolean_function::invalid_input(&error))?;
    Ok(Some(true))
}
