//! `duckherder_start_local_server(port)`: start a duckling inside this process.

use duckdb_neo::connection::Context;
use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::enums::{FunctionProperty, FunctionPropertyStability};
use duckdb_neo::extension::Extension;
use duckdb_neo::scalar::{ScalarCallbacks, ScalarFunctionBuilder};
use duckdb_neo::signature::{FunctionParameter, SignatureBuilder};
use duckdb_neo::vector::{Unknown, Vector};
use duckdb_neo::{DuckDBType, Error, Result};

use super::local_server;

struct StartLocalServer;

impl ScalarCallbacks for StartLocalServer {
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
        let ports = vectors.get_vector_at::<i64>(0)?.reader()?;
        let mut output = output.cast::<bool>()?;
        output.set_size(ports.len())?;
        let mut writer = output.writer()?;
        for (row, port) in ports.iter().enumerate() {
            let started = port.copied().map(start).transpose()?;
            writer.set(row, started)?;
        }
        Ok(())
    }
}

fn start(port: i64) -> Result<bool> {
    let number = u16::try_from(port)
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| Error::invalid_input(format!("{port} is not a port: expected a number from 1 to 65535")))?;
    local_server::start(number).map_err(|error| Error::invalid_input(error.to_string()))?;
    Ok(true)
}

pub fn register(extension: &Extension) -> Result<()> {
    let signature = SignatureBuilder::new()
        .param(FunctionParameter::new::<i64>("port"))
        .return_type(bool::logical_type(extension)?);
    ScalarFunctionBuilder::new("duckherder_start_local_server", signature, StartLocalServer)
        .set_property(FunctionProperty::Stability(FunctionPropertyStability::Volatile))
        .register(extension)
}
