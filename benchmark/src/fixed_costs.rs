//! What a distributed query costs whatever its rows: tiny queries on more and more workers, all in this process.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result};
use duckdb::Connection;

use crate::client;
use crate::model::{fit, median};
use crate::process::cpu_ms;
use crate::workspace::timed;

/// Rows of a row group, of which there is one for each worker.
const ROWS: usize = 2048;
const ATTEMPTS: usize = 3;
const QUERIES: [(&str, &str); 3] = [
    ("gather", "SELECT sum(i) FROM local.tiny"),
    ("shuffle", "SELECT i % 1000 AS g, count(*) FROM local.tiny GROUP BY g"),
    (
        "broadcast",
        "SELECT count(*) FROM local.tiny JOIN (SELECT i + 7 AS i FROM local.tiny WHERE i % 100 = 0) USING (i)",
    ),
];

/// Measure and print.
///
/// # Errors
/// A server does not start, or a query fails.
pub fn run(client: &Connection, workers: &[usize], runs: usize, dir: &Path) -> Result<()> {
    println!(
        "\nTiny queries, {ROWS} rows a worker, all workers in one process; medians of {runs} runs in ms, and CPU time"
    );
    println!(
        "  {:>7} {:>29} {:>29} {:>29}",
        "workers", QUERIES[0].0, QUERIES[1].0, QUERIES[2].0
    );
    let mut times = [const { Vec::new() }; QUERIES.len()];
    let mut cpu_times = [const { Vec::new() }; QUERIES.len()];
    for count in workers {
        start(client, *count, dir).with_context(|| format!("{count} workers"))?;
        let mut line = format!("  {count:>7}");
        for (index, (name, sql)) in QUERIES.iter().enumerate() {
            let (time, cpu, tasks) = measure(client, sql, runs).with_context(|| format!("{name}, {count} workers"))?;
            line += &format!(" {time:>8.1} {cpu:>8.1} {tasks:>5} tasks");
            times[index].push(time);
            cpu_times[index].push(cpu);
        }
        println!("{line}");
        client.execute_batch("DETACH local")?;
        client.execute_batch("SELECT duckherder_stop_local_server()")?;
    }
    let inputs: Vec<[f64; 3]> = workers
        .iter()
        .map(|count| *count as f64)
        .map(|w| [1.0, w, w * w])
        .collect();
    for (what, all) in [("time", &times), ("CPU time", &cpu_times)] {
        for ((name, _), outputs) in QUERIES.iter().zip(all) {
            if let Some(([fixed, worker, square], r2)) = fit(&inputs, outputs) {
                println!("  {what} of {name}: {fixed:.2} ms + {worker:.3} ms W + {square:.5} ms W²; R² {r2:.3}");
            }
        }
    }
    Ok(())
}

fn start(client: &Connection, workers: usize, dir: &Path) -> Result<()> {
    for _ in 1..ATTEMPTS {
        match try_start(client, workers, dir) {
            Ok(()) => return Ok(()),
            // Another program has taken the port
            Err(error) => println!("  once more: {error:#}"),
        }
        // There may be none
        let _ = client.execute_batch("SELECT duckherder_stop_local_server()");
    }
    try_start(client, workers, dir)
}

fn try_start(client: &Connection, workers: usize, dir: &Path) -> Result<()> {
    // Free when it was asked for
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let file = dir.join("tiny.parquet").to_string_lossy().replace('\'', "''");
    client.execute_batch(&format!(
        "SELECT duckherder_start_local_server({port}, {workers}); {}; \
         COPY (SELECT range AS i FROM range({})) TO '{file}' (ROW_GROUP_SIZE {ROWS}); \
         CREATE VIEW local.tiny AS FROM read_parquet('{file}')",
        client::attach_statement_as("local", port),
        workers * ROWS,
    ))?;
    Ok(())
}

/// Time, CPU time and tasks of one run.
fn measure(client: &Connection, sql: &str, runs: usize) -> Result<(f64, f64, i64)> {
    let pid = [std::process::id()];
    let run = || {
        let (rows, time) = timed(|| {
            let mut statement = client.prepare(sql)?;
            let mut rows = statement.query([])?;
            let mut count = 0;
            while rows.next()?.is_some() {
                count += 1;
            }
            Ok(count)
        })?;
        anyhow::ensure!(rows > 0, "no rows");
        Ok(time.as_secs_f64() * 1000.0)
    };
    run()?;
    let before = cpu_ms(&pid)?;
    let times: Vec<f64> = (0..runs).map(|_| run()).collect::<Result<_>>()?;
    let cpu = (cpu_ms(&pid)? - before) / runs.max(1) as f64;
    let tasks = client.query_row(
        "SELECT num_tasks_generated FROM duckherder_get_query_execution_stats('local') \
         WHERE execution_mode <> 'LOCAL' ORDER BY query_id DESC LIMIT 1",
        [],
        |row| row.get(0),
    )?;
    Ok((median(&times), cpu, tasks))
}
