//! `transfer`: how long lineitem takes to the server and back, compared in the same run with a copy inside one process,
//! which no transfer can beat by much.

use std::time::Duration;

use anyhow::{Context, Result};
use duckdb::Connection;

use crate::lineitem::Lineitem;
use crate::workspace::{self, timed};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    workspace: workspace::Args,
    /// How often each copy runs; the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: u32,
}

/// Name, statement, and the table it creates.
const COPIES: [(&str, &str, &str); 3] = [
    (
        "inside one process",
        "CREATE TABLE copy AS SELECT * FROM lineitem",
        "copy",
    ),
    (
        "to the server",
        "CREATE TABLE dh.lineitem AS SELECT * FROM lineitem",
        "dh.lineitem",
    ),
    ("to the client", "CREATE TABLE copy AS SELECT * FROM dh.source", "copy"),
];

/// Measure and print the three copies.
///
/// # Errors
/// A copy fails.
pub fn run(args: &Args) -> Result<bool> {
    let Lineitem { client, rows, .. } = &Lineitem::create(&args.workspace)?;
    client
        .execute_batch("CREATE TABLE dh.source AS SELECT * FROM lineitem")
        .context("cannot load the server")?;

    println!("Copy lineitem, {rows} rows; fastest of {}", args.runs);
    let mut baseline = None;
    for (name, create, table) in COPIES {
        let fastest = fastest_copy(client, create, table, args.runs)?;
        let ratio = fastest.as_secs_f64() / baseline.get_or_insert(fastest).as_secs_f64();
        println!("  {name:<20} {:>7.2} s  {ratio:>5.2} ×", fastest.as_secs_f64());
    }
    Ok(true)
}

fn fastest_copy(client: &Connection, create: &str, table: &str, runs: u32) -> Result<Duration> {
    let mut fastest = Duration::MAX;
    for _ in 0..runs.max(1) {
        let ((), time) = timed(|| client.execute_batch(create).context(create.to_string()))?;
        fastest = fastest.min(time);
        client.execute_batch(&format!("DROP TABLE {table}"))?;
    }
    Ok(fastest)
}
