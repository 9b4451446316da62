//! `demo`: the main job of Duckherder on real data, checked against the same DuckDB without it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use duckdb::Connection;

use crate::answer::{Answer, Verdict};
use crate::client;
use crate::duckling::Duckling;
use crate::products::{Products, show};
use crate::quickstart;
use crate::tpch::{self, QUERIES, Query, TABLES};
use crate::workspace::{Args, timed};

/// Run the demo. `false` unless all queries gave the same result on both sides and the quick start ran.
///
/// # Errors
/// A step before the queries fails.
pub fn run(args: &Args) -> Result<bool> {
    let products = Products::locate()?;
    let dir = args.create_dir()?;
    let client = client::open(&products.extension(), dir.path())?;

    println!("Generate TPC-H, scale {}, into local tables", args.scale);
    generate(&client, args.scale, dir.path())?;

    let server = Duckling::start(&products.server())?;
    println!(
        "\nStart {}: it listens on 127.0.0.1:{}",
        show(&products.server()),
        server.port()
    );
    let attach = client::attach_statement(server.port());
    println!("Attach it: {attach};");
    client.execute_batch(&attach).context("cannot attach the server")?;

    println!("\nLoad the server's tables from the local ones");
    load(&client)?;

    println!(
        "\nRun the {} queries locally, then on the server (USE dh), the same text",
        QUERIES.len()
    );
    let identical = compare_queries(&client);
    let summary = format!("{identical} of {} identical", QUERIES.len());
    println!("{summary}");
    drop(client);
    drop(server);

    println!("\nRun the quick start");
    quickstart::run(&products, dir.path())?;

    print_next_steps(&products);
    println!("\n{summary}");
    Ok(identical == QUERIES.len())
}

fn generate(client: &Connection, scale: f64, dir: &Path) -> Result<()> {
    for table in &TABLES {
        let (rows, time) = timed(|| tpch::create_table(client, table, scale, dir))?;
        print_table(table.name, rows, time);
    }
    Ok(())
}

fn load(client: &Connection) -> Result<()> {
    for table in &TABLES {
        let sql = format!("CREATE TABLE dh.{0} AS SELECT * FROM {0}", table.name);
        let ((), time) = timed(|| client.execute_batch(&sql).with_context(|| sql.clone()))?;
        let rows = client.query_row(&format!("SELECT count(*) FROM dh.{}", table.name), [], |row| row.get(0))?;
        print_table(table.name, rows, time);
    }
    Ok(())
}

fn print_table(name: &str, rows: u64, time: Duration) {
    println!("  {name:<10} {rows:>10} rows  {:>7.2} s", time.as_secs_f64());
}

/// Run all queries on both sides, print a line for each, and count those that agree.
fn compare_queries(client: &Connection) -> usize {
    println!("  query    local   remote   result");
    let mut identical = 0;
    let mut totals = (Duration::ZERO, Duration::ZERO);
    for query in &QUERIES {
        match compare_query(client, query) {
            Ok((local, remote, verdict)) => {
                println!("  {:<5} {} {}   {verdict}", query.name, seconds(local), seconds(remote));
                totals = (totals.0 + local, totals.1 + remote);
                identical += usize::from(verdict.is_identical());
            }
            Err(error) => println!("  {:<5}                     FAILED: {error:#}", query.name),
        }
    }
    println!("  total {} {}", seconds(totals.0), seconds(totals.1));
    identical
}

/// Run a query in `memory` and in `dh`, and measure both.
///
/// # Errors
/// It fails in one of them.
pub fn compare_query(client: &Connection, query: &Query) -> Result<(Duration, Duration, Verdict)> {
    let answer_in = |catalog: &str| {
        client.execute_batch(&format!("USE {catalog}"))?;
        timed(|| Answer::of(client, query.sql)).with_context(|| format!("in {catalog}"))
    };
    let local = answer_in("memory");
    let remote = answer_in("dh");
    client.execute_batch("USE memory")?;
    let ((local, local_time), (remote, remote_time)) = (local?, remote?);
    Ok((local_time, remote_time, local.compare(&remote, query.order_by)))
}

/// To be printed below others.
pub fn seconds(time: Duration) -> String {
    format!("{:>6.3} s", time.as_secs_f64())
}

fn print_next_steps(products: &Products) {
    let attach = client::attach_statement(quickstart::PORT);
    println!("\nNext, in two terminals:");
    println!("  {} --listen 127.0.0.1:{}", show(&products.server()), quickstart::PORT);
    println!("  {} -cmd \"{attach}\"", show(&products.shell()));
    println!("or in one, with a server inside the client:");
    println!("  {}", show(&products.shell()));
    println!("  SELECT duckherder_start_local_server({});", quickstart::PORT);
    println!("  {attach};");
    println!("  CREATE TABLE dh.lake AS SELECT range AS id, 'duck ' || range AS name FROM range(1000000);");
    println!("  SELECT count(*), max(name) FROM dh.lake;");
}
