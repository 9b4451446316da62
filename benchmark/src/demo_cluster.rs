//! `demo-cluster`: TPC-H on Parquet files, on three workers, one of which is killed on the way, checked against one DuckDB.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use duckdb::Connection;

use crate::answer::Verdict;
use crate::client;
use crate::demo::{compare_query, seconds};
use crate::duckling::Duckling;
use crate::products::{Products, show};
use crate::tpch::{self, QUERIES, Query, TABLES};
use crate::workspace::{self, timed};

/// Rows of a row group: more than one for each worker, also at small scales.
const ROW_GROUP_SIZE: u64 = 40_960;
const JOIN_TIMEOUT: Duration = Duration::from_secs(20);
/// The query during which a worker is killed, counted from 0, and how long after its start.
const KILLED_AT: usize = 8;
const KILLED_AFTER: Duration = Duration::from_millis(50);

/// Options of the command.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    workspace: workspace::Args,
    /// Worker processes, of one thread each
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// Let all workers live
    #[arg(long)]
    no_kill: bool,
}

/// Run the demo. `false` unless all queries gave the same result on both sides.
///
/// # Errors
/// A step before the queries fails.
pub fn run(args: &Args) -> Result<bool> {
    let products = Products::locate()?;
    let dir = args.workspace.create_dir()?;
    let client = client::open(&products.extension(), dir.path())?;

    println!("Generate TPC-H, scale {}, as Parquet files", args.workspace.scale);
    generate(&client, args.workspace.scale, dir.path())?;

    let driver = Duckling::start(&products.server())?;
    let address = format!("127.0.0.1:{}", driver.port());
    println!("\nStart the driver: {} --listen {address}", show(&products.server()));
    let mut workers = Vec::new();
    for number in 1..=args.workers {
        let name = format!("w{number}");
        println!("Start worker {name}: --join {address} --worker-id {name} --threads 1");
        let join = ["--join", &address, "--worker-id", &name, "--threads", "1"];
        workers.push(Duckling::start_with(&products.server(), &join)?);
    }
    client
        .execute_batch(&client::attach_statement(driver.port()))
        .context("cannot attach the driver")?;
    await_workers(&client, args.workers)?;
    for table in &TABLES {
        client.execute_batch(&format!(
            "CREATE VIEW dh.{0} AS FROM read_parquet('{1}')",
            table.name,
            file(dir.path(), table.name)
        ))?;
    }
    // Also what is too small to pay
    client.execute_batch("SET duckherder_distribution = 'force'")?;

    println!(
        "\nRun the {} queries in one DuckDB, then on the workers, the same text",
        QUERIES.len()
    );
    let mut victim = (!args.no_kill).then(|| workers.pop()).flatten();
    println!("  query      one  workers  tasks   result");
    let (mut identical, mut distributed) = (0, 0);
    for (number, query) in QUERIES.iter().enumerate() {
        let killing = (number == KILLED_AT).then(|| victim.take()).flatten().map(|worker| {
            println!("        worker w{} will be killed now (kill -9)", args.workers);
            thread::spawn(move || {
                thread::sleep(KILLED_AFTER);
                worker.kill();
            })
        });
        match compare(&client, query) {
            Ok((one, many, tasks, verdict)) => {
                println!(
                    "  {:<5} {} {}  {tasks:>5}   {verdict}",
                    query.name,
                    seconds(one),
                    seconds(many)
                );
                identical += usize::from(verdict.is_identical());
                distributed += usize::from(tasks > 1);
            }
            Err(error) => println!("  {:<5}                          FAILED: {error:#}", query.name),
        }
        if let Some(killing) = killing {
            killing.join().expect("killing a process does not panic");
        }
    }
    println!(
        "\n{identical} of {} identical, {distributed} with more than one task",
        QUERIES.len()
    );
    Ok(identical == QUERIES.len())
}

fn file(dir: &Path, table: &str) -> String {
    dir.join(format!("{table}.parquet"))
        .to_string_lossy()
        .replace('\'', "''")
}

fn generate(client: &Connection, scale: f64, dir: &Path) -> Result<()> {
    for table in &TABLES {
        let (rows, time) = timed(|| {
            let rows = tpch::create_table(client, table, scale, dir)?;
            let path = file(dir, table.name);
            client.execute_batch(&format!(
                "COPY {0} TO '{path}' (ROW_GROUP_SIZE {ROW_GROUP_SIZE}); DROP TABLE {0}; \
                 CREATE VIEW {0} AS FROM read_parquet('{path}')",
                table.name
            ))?;
            Ok(rows)
        })?;
        println!("  {:<10} {rows:>10} rows  {:>7.2} s", table.name, time.as_secs_f64());
    }
    Ok(())
}

fn await_workers(client: &Connection, wanted: usize) -> Result<()> {
    let deadline = Instant::now() + JOIN_TIMEOUT;
    loop {
        let count: usize = client.query_row("SELECT duckherder_get_worker_count()", [], |row| row.get(0))?;
        if count == wanted {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "only {count} of {wanted} workers have joined"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// Also counts the tasks that it took.
fn compare(client: &Connection, query: &Query) -> Result<(Duration, Duration, u64, Verdict)> {
    let before = tasks_done(client)?;
    let (one, many, verdict) = compare_query(client, query)?;
    Ok((one, many, tasks_done(client)?.saturating_sub(before), verdict))
}

/// Tasks that the workers have done, as far as the driver has heard.
fn tasks_done(client: &Connection) -> Result<u64> {
    // The driver hears of them about once a second
    thread::sleep(Duration::from_millis(1100));
    Ok(client.query_row(
        "SELECT coalesce(sum(tasks_done), 0)::UBIGINT FROM duckherder_workers()",
        [],
        |row| row.get(0),
    )?)
}
