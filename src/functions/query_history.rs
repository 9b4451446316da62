//! `duckherder_get_query_history()`: what this process has sent to servers, and how long it took.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use duckdb_neo::bind_arguments::BindArgument;
use duckdb_neo::connection::Context;
use duckdb_neo::data_chunk::DataChunkRef;
use duckdb_neo::extension::Extension;
use duckdb_neo::signature::SignatureBuilder;
use duckdb_neo::table_function::{
    BindFunctionHandle, ExecColumnInfo, InitColumnData, TableFunctionBuilder, TableFunctionCallbacks,
};
use duckdb_neo::types::{List, TimeValue, TimestampTzValue};
use duckdb_neo::value::Value;
use duckdb_neo::vector::Unknown;
use duckdb_neo::{DuckDBType, Result, ToValue};

use crate::client::{QueryRecord, query_history};

/// DuckDB's last TIME, 24:00:00.
const MAX_TIME_MICROS: u128 = 86_400_000_000;

/// Register the function.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    TableFunctionBuilder::new(
        "duckherder_get_query_history",
        SignatureBuilder::new(),
        QueryHistoryFunction,
    )
    .register(extension)
}

struct QueryHistoryFunction;

/// Shape: one row per statement and server, in the order in which they were first sent.
impl TableFunctionCallbacks for QueryHistoryFunction {
    type BindData = ();
    type LocalState = ();
    /// All rows were given out; there are never more than fit into one chunk.
    type GlobalState = AtomicBool;

    fn bind(&self, context: &Context, _arguments: Vec<BindArgument>, handle: BindFunctionHandle<'_>) -> Result<()> {
        let text = String::logical_type(context)?;
        let count = i64::logical_type(context)?;
        let moment = TimestampTzValue::logical_type(context)?;
        handle.add_result_column("query", &text)?;
        handle.add_result_column("latencies", &List::<TimeValue>::logical_type(context)?)?;
        handle.add_result_column("server", &text)?;
        handle.add_result_column("executions", &count)?;
        handle.add_result_column("rows", &count)?;
        handle.add_result_column("bytes", &count)?;
        handle.add_result_column("errors", &count)?;
        handle.add_result_column("last_error", &text)?;
        handle.add_result_column("first_started", &moment)?;
        handle.add_result_column("last_started", &moment)
    }

    fn init_global_state(
        &self,
        _bind_data: &(),
        _context: &Context,
        _columns: InitColumnData<'_>,
    ) -> Result<(Option<AtomicBool>, Option<usize>)> {
        Ok((Some(AtomicBool::new(false)), Some(1)))
    }

    fn exec(
        &self,
        _bind_data: &(),
        is_done: Option<&AtomicBool>,
        _local_state: Option<&mut ()>,
        context: &Context,
        mut output: DataChunkRef<'_>,
        columns: ExecColumnInfo<'_>,
    ) -> Result<()> {
        if is_done.is_none_or(|is_done| is_done.swap(true, Ordering::Relaxed)) {
            return Ok(());
        }
        let records = query_history();
        for index in 0..columns.count()? {
            let column = columns.get_column_index(index)?;
            let mut vector = output.get_vector_at_mut::<Unknown>(index)?;
            vector.set_size(records.len())?;
            for (row, record) in records.iter().enumerate() {
                vector.write_value_slow(row, field(record, column, context)?)?;
            }
        }
        Ok(())
    }
}

fn field(record: &QueryRecord, column: usize, context: &Context) -> Result<Value> {
    match column {
        0 => record.sql.value(context),
        1 => {
            let latencies: List<TimeValue> = record.latencies.iter().map(|latency| Some(time(*latency))).collect();
            latencies.value(context)
        }
        2 => record.server.value(context),
        3 => number(record.executions).value(context),
        4 => number(record.rows).value(context),
        5 => number(record.bytes).value(context),
        6 => number(record.errors).value(context),
        7 => record.last_error.value(context),
        8 => moment(record.first_started).value(context),
        _ => moment(record.last_started).value(context),
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn time(latency: Duration) -> TimeValue {
    TimeValue(number(latency.as_micros().min(MAX_TIME_MICROS) as u64))
}

fn moment(moment: SystemTime) -> TimestampTzValue {
    let since_epoch = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    TimestampTzValue(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}
