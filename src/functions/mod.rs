//! SQL functions of the extension, one file each.

mod boolean_function;
mod clear_query_history;
mod duckling;
mod local_server;
mod query_history;
mod standalone_worker;
mod start_local_server;
mod start_standalone_worker;
mod stop_local_server;
mod stop_standalone_worker;

use std::error::Error;

use duckdb_neo::extension::Extension;

/// Register every function with the database that loads the extension.
///
/// # Errors
/// What DuckDB refuses one with.
pub fn register(extension: &Extension) -> Result<(), Box<dyn Error>> {
    clear_query_history::register(extension)?;
    query_history::register(extension)?;
    start_local_server::register(extension)?;
    stop_local_server::register(extension)?;
    start_standalone_worker::register(extension)?;
    stop_standalone_worker::register(extension)?;
    Ok(())
}
