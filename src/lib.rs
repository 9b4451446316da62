//! Duckherder: a DuckDB extension that makes any DuckDB the client of other DuckDBs.
//!
//! `ATTACH 'dh' (TYPE duckherder, …)` attaches a Duckling server; statements on `dh` run there. The C++ in
//! `bridge/cpp` subclasses DuckDB's catalog classes and forwards; what it forwards to is here:
//!
//! ```text
//! lib → functions, bridge → catalog → client → protocol
//! ```

mod bridge;
mod catalog;
mod client;
mod error;
mod functions;
mod options;
mod runtime;

use std::error::Error;

use duckdb_neo::duckdb_entrypoint_c_api_v2;
use duckdb_neo::extension::Extension;

/// What DuckDB calls when it loads the extension.
#[duckdb_entrypoint_c_api_v2(extension_name = "duckherder", api_version = "v2.0.0")]
fn register(extension: &Extension) -> Result<(), Box<dyn Error>> {
    bridge::register(extension)?;
    functions::register(extension)?;
    Ok(())
}
