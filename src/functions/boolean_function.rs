//! Scalar functions that do something and return `true`, or fail.

use duckdb_neo::connection::Context;
use duckdb_neo::data_chunk::VectorCollection;
use duckdb_neo::enums::{FunctionProperty, FunctionPropertyStability};
use duckdb_neo::extension::Extension;
use duckdb_neo::scalar::{ScalarCallbacks, ScalarFunctionBuilder};
use duckdb_neo::signature::SignatureBuilder;
use duckdb_neo::vector::{Unknown, Vector};
use duckdb_neo::{DuckDBType, Error, Result};

use crate::error;

/// What the function does with one row of arguments; `None` is NULL.
///
/// Shape: called once per row, in order, with the argument vectors and the row's number.
pub type Effect = fn(arguments: &mut VectorCollection, row: usize) -> Result<Option<bool>>;

struct BooleanFunction(Effect);

impl ScalarCallbacks for BooleanFunction {
    type BindData = ();
    type InitData = ();

    fn exec(
        &self,
        _bind_data: Option<&()>,
        _init_data: Option<&mut ()>,
        _context: &Context,
        arguments: &mut VectorCollection,
        output: Vector<'_, Unknown>,
    ) -> Result<()> {
        let rows = arguments.row_count()?;
        let mut output = output.cast::<bool>()?;
        output.set_size(rows)?;
        let mut writer = output.writer()?;
        for row in 0..rows {
            let done = (self.0)(arguments, row)?;
            writer.set(row, done)?;
        }
        Ok(())
    }
}

/// Register such a function; it is called anew for every row, and never folded into a constant.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension, name: &str, signature: SignatureBuilder, effect: Effect) -> Result<()> {
    ScalarFunctionBuilder::new(
        name,
        signature.return_type(bool::logical_type(extension)?),
        BooleanFunction(effect),
    )
    .set_property(FunctionProperty::Stability(FunctionPropertyStability::Volatile))
    .register(extension)
}

/// An error of ours as DuckDB reports it from a function.
pub fn invalid_input(error: &error::Error) -> Error {
    Error::invalid_input(error.to_string())
}
