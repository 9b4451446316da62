//! `stream-memory`: how much memory client and server need while a whole table streams through a result.

use std::env;
use std::path::PathBuf;
use std::process::{self, Command};

use anyhow::{Context, Result};
use duckdb::Connection;

use crate::client;
use crate::duckling::Duckling;
use crate::memory::{Growth, Watched};
use crate::products::Products;
use crate::tpch::{self, Table};
use crate::workspace::{self, timed};

/// Every column is used, so that none can be left out of the transfer; nothing is kept but one row.
const STREAM_ALL: &str = "SELECT count(*), bit_xor(hash(*COLUMNS(*))) \
                          FROM (SELECT * FROM duckherder_query('dh', 'SELECT * FROM lineitem'))";

/// What the server's own DuckDB holds for tables in memory. Units: bytes.
const TABLE_BYTES: &str = "FROM duckherder_query('dh', 'SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory() \
                           WHERE tag IN (''IN_MEMORY_TABLE'', ''BASE_TABLE'')')";

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    workspace: workspace::Args,
    /// Fail when client or server need more than this, in MB, above the table itself
    #[arg(long, default_value_t = 300)]
    limit_mb: u64,
}

#[derive(clap::Args)]
pub struct ClientArgs {
    #[arg(long)]
    port: u16,
    #[arg(long)]
    server_pid: u32,
    #[arg(long)]
    spill_dir: PathBuf,
    #[arg(long)]
    limit_mb: u64,
}

/// Load lineitem into a server, then measure from a fresh client process. `false` above the limit.
///
/// # Errors
/// The table cannot be loaded or read.
pub fn run(args: &Args) -> Result<bool> {
    let products = Products::locate()?;
    let dir = args.workspace.create_dir()?;
    let server = Duckling::start(&products.server())?;
    load_lineitem(&products, &server, args.workspace.scale, dir.path())?;
    let status = Command::new(env::current_exe()?)
        .arg("stream-client")
        .args(["--port", &server.port().to_string()])
        .args(["--server-pid", &server.pid().to_string()])
        .args(["--limit-mb", &args.limit_mb.to_string()])
        .arg("--spill-dir")
        .arg(dir.path())
        .status()
        .context("cannot start the client process")?;
    Ok(status.success())
}

fn load_lineitem(products: &Products, server: &Duckling, scale: f64, dir: &std::path::Path) -> Result<()> {
    let loader = client::connect(&products.extension(), dir, server.port())?;
    let lineitem = Table::named("lineitem").expect("TPC-H has a lineitem");
    let rows = tpch::create_table(&loader, lineitem, scale, dir)?;
    let sql = "CREATE TABLE dh.lineitem AS SELECT * FROM lineitem";
    let ((), time) = timed(|| loader.execute_batch(sql).context(sql))?;
    println!(
        "Loaded lineitem into the server: {rows} rows in {:.2} s",
        time.as_secs_f64()
    );
    Ok(())
}

/// Measure. Runs in a process of its own, so that nothing of the load is in its memory.
///
/// # Errors
/// The server cannot be reached or read.
pub fn run_client(args: &ClientArgs) -> Result<bool> {
    let client = client::connect(&Products::locate()?.extension(), &args.spill_dir, args.port)?;
    let table_kb = table_kb(&client)?;
    let watched = (Watched::start(process::id())?, Watched::start(args.server_pid)?);
    let (rows, time) = timed(|| Ok(client.query_row(STREAM_ALL, [], |row| row.get::<_, u64>(0))?))?;
    let (client, server) = (watched.0.finish()?, watched.1.finish()?);

    println!(
        "Streamed {rows} rows, all columns, to the client in {:.2} s\n",
        time.as_secs_f64()
    );
    println!("  MB       before     peak   growth   table   peak above table");
    let client_above = print_process("client", &client, 0);
    let server_above = print_process("server", &server, table_kb);
    let above = client_above.max(server_above);
    let within = above <= args.limit_mb;
    println!(
        "\n{}: at most {above} MB above the table, limit {} MB",
        if within { "ok" } else { "TOO MUCH" },
        args.limit_mb
    );
    Ok(within)
}

fn table_kb(client: &Connection) -> Result<u64> {
    let bytes: i64 = client
        .query_row(TABLE_BYTES, [], |row| row.get(0))
        .context("cannot read the table's size")?;
    Ok(bytes.max(0) as u64 / 1024)
}

/// Print the row of one process and return its peak above its table, in MB.
fn print_process(name: &str, growth: &Growth, table_kb: u64) -> u64 {
    let above_kb = growth.peak_kb.saturating_sub(table_kb);
    let mb = |kb: u64| kb.div_ceil(1024);
    println!(
        "  {name}  {:>8} {:>8} {:>8} {:>7} {:>18}",
        mb(growth.before_kb),
        mb(growth.peak_kb),
        mb(growth.grown_kb()),
        mb(table_kb),
        mb(above_kb),
    );
    mb(above_kb)
}
