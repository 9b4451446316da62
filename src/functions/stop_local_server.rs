//! `duckherder_stop_local_server()`: stop the duckling inside this process.

use duckdb_neo::connection::Context;
use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::enums::{FunctionProperty, FunctionPropertyStability};
use duckdb_neo::extension::Extension;
use duckdb_neo::scalar::{ScalarCallbacks, ScalarFunctionBuilder};
use duckdb_neo::signature::SignatureBuilder;
use duckdb_neo::vector::{Unknown, Vector};
use duckdb_neo::{DuckDBType, Error, Result};

use super::local_server;

struct StopLocalServer;

impl ScalarCallbacks for StopLocalServer {
    type BindData = ();
    type InitData = ();

    fn exec(
        &self,
        _bind_data: Option<&()>,
        _init_data: Option<&mut ()>,
        _context: &Context,
        vectors: &mut VectorCollection,
        output: Vector<'_, Unknown>,
    ) -> Result<()> {
        let rows = vectors.row_count()?;
        let mut output = output.cast::<bool>()?;
        output.set_size(rows)?;
        let mut writer = output.writer()?;
        for row in 0..rows {
            local_server::stop().map_err(|error| Error::invalid_input(error.to_string()))?;
            writer.set(row, Some(true))?;
        }
        Ok(())
    }
}

pub fn register(extension: &Extension) -> Result<()> {
    let signature = SignatureBuilder::new().return_type(bool::logical_type(extension)?);
    ScalarFunctionBuilder::new("duckherder_stop_local_server", signature, StopLocalServer)
        .set_property(FunctionProperty::Stability(FunctionPropertyStability::Volatile))
        .register(extension)
}
