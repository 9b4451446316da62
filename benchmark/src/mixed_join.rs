//! `mixed-join`: what crosses the wire when a local table is joined with lineitem on the server, with the runtime filters of
//! joins and without them.

use anyhow::{Context, Result, ensure};
use duckdb::Connection;

use crate::lineitem::Lineitem;
use crate::workspace::{self, timed};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    workspace: workspace::Args,
    /// How often each join runs; the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: u32,
}

/// Rows of the local side.
const KEYS: [u64; 4] = [10, 1_000, 50_000, 200_000];
const JOIN: &str = "SELECT count(*), sum(l_extendedprice)::VARCHAR FROM dh.lineitem JOIN keys ON l_orderkey = k";
/// Bytes that the server has sent for the last scan of its table.
const BYTES: &str = "SELECT bytes_sent::UBIGINT FROM duckherder_server_query_history() \
                     WHERE query LIKE '%l_extendedprice%' ORDER BY query_id DESC LIMIT 1";

/// Rows of the answer, the sum as text, bytes sent, and seconds.
struct Outcome {
    rows: i64,
    sum: String,
    bytes: u64,
    seconds: f64,
}

/// Measure and print the joins.
///
/// # Errors
/// A join fails, or its answers differ.
pub fn run(args: &Args) -> Result<bool> {
    let Lineitem { client, rows, .. } = &Lineitem::create(&args.workspace)?;
    client
        .execute_batch("CREATE TABLE dh.lineitem AS SELECT * FROM lineitem; DROP TABLE lineitem")
        .context("cannot load the server")?;

    println!(
        "Join local keys with lineitem on the server, {rows} rows; fastest of {}",
        args.runs
    );
    println!(
        "  {:>9} {:>12} {:>24} {:>24} {:>9}",
        "keys", "rows", "with filters", "without", "bytes"
    );
    for keys in KEYS {
        client.execute_batch(&format!(
            "CREATE OR REPLACE TABLE keys AS SELECT DISTINCT l_orderkey AS k FROM dh.lineitem ORDER BY hash(k) LIMIT {keys}"
        ))?;
        let filtered = outcome(client, "", args.runs)?;
        let whole = outcome(client, "join_filter_pushdown", args.runs)?;
        ensure!(
            (filtered.rows, &filtered.sum) == (whole.rows, &whole.sum),
            "the answers differ for {keys} keys"
        );
        println!(
            "  {keys:>9} {:>12} {:>14} B {:>5.3} s {:>14} B {:>5.3} s {:>7.1} ×",
            filtered.rows,
            filtered.bytes,
            filtered.seconds,
            whole.bytes,
            whole.seconds,
            whole.bytes as f64 / filtered.bytes as f64
        );
    }
    Ok(true)
}

fn outcome(client: &Connection, disabled: &str, runs: u32) -> Result<Outcome> {
    client.execute_batch(&format!("SET disabled_optimizers = '{disabled}'"))?;
    let mut seconds = f64::INFINITY;
    let mut answer = (0, String::new());
    for _ in 0..runs.max(1) {
        let (row, time) = timed(|| {
            client
                .query_row(JOIN, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .context(JOIN)
        })?;
        answer = row;
        seconds = seconds.min(time.as_secs_f64());
    }
    let bytes = client.query_row(BYTES, [], |row| row.get(0)).context(BYTES)?;
    let (rows, sum) = answer;
    Ok(Outcome {
        rows,
        sum,
        bytes,
        seconds,
    })
}
