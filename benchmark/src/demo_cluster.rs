//! `demo-cluster`: TPC-H on Parquet files, on three workers, one of which is killed on the way, checked against one DuckDB.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use duckdb::Connection;

use crate::answer::Verdict;
use crate::client;
use crate::cluster::{self, Cluster, create_distributed};
use crate::demo::{compare_query, seconds};
use crate::products::{Products, show};
use crate::tpch::{QUERIES, Query, TABLES};
use crate::workspace::{self, timed};

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
    /// What the queries read
    #[arg(long, value_enum, default_value = "files")]
    tables: Tables,
}

/// What the workers read.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Tables {
    /// Views of the files
    Files,
    /// Distributed tables, loaded by CREATE TABLE AS on the servers
    Created,
    /// Distributed tables, loaded by INSERT … SELECT from the client
    Inserted,
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
    cluster::generate(&client, args.workspace.scale, dir.path())?;

    println!(
        "\nStart a driver, {} --listen …, and {} workers: --join … --worker-id w1 --threads 1",
        show(&products.server()),
        args.workers
    );
    let server = products.server();
    let mut cluster = if args.tables == Tables::Files {
        Cluster::start(&server, &client, "dh", args.workers, None, dir.path())?
    } else {
        Cluster::start_with_storage(&server, &client, "dh", args.workers, None, dir.path())?
    };
    // Also what is too small to pay
    client.execute_batch("SET duckherder_distribution = 'force'")?;
    load(&client, args.tables)?;

    println!(
        "\nRun the {} queries in one DuckDB, then on the workers, the same text",
        QUERIES.len()
    );
    let mut victim = (!args.no_kill).then(|| cluster.workers.pop()).flatten();
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

/// Put distributed tables in the place of the views of the files.
fn load(client: &Connection, tables: Tables) -> Result<()> {
    if tables == Tables::Files {
        return Ok(());
    }
    println!("\nLoad distributed tables");
    for table in &TABLES {
        let name = table.name;
        let sql = match tables {
            Tables::Inserted => format!(
                "DROP VIEW dh.{name}; {}; INSERT INTO dh.{name} FROM {name}",
                create_distributed(&format!("dh.{name}"), table)
            ),
            _ => format!(
                "CREATE TABLE dh.stored WITH (distributed = true) AS FROM dh.{name}; DROP VIEW dh.{name}; \
                 ALTER TABLE dh.stored RENAME TO {name}"
            ),
        };
        let ((), time) = timed(|| Ok(client.execute_batch(&sql)?))?;
        let files: u64 = client.query_row(
            &format!("SELECT count(*) FROM duckherder_table_files('dh.{name}')"),
            [],
            |row| row.get(0),
        )?;
        println!("  {name:<10} {files:>3} files  {:>7.2} s", time.as_secs_f64());
    }
    Ok(())
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
