//! `bench-cluster`: TPC-H on Parquet files, on workers of one thread each, against one DuckDB with as many threads; then
//! distributed tables, and tiny queries.

use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use duckdb::Connection;

use crate::answer::Answer;
use crate::bench_tables;
use crate::client;
use crate::cluster::{self, Cluster};
use crate::fixed_costs;
use crate::model::{fit, median};
use crate::process::cpu_ms;
use crate::products::Products;
use crate::tpch::{QUERIES, Query};
use crate::workspace::{self, timed};

/// Options of the command.
#[derive(clap::Args)]
pub struct Args {
    /// TPC-H scale factors, such as 0.1,1
    #[arg(long, value_delimiter = ',', default_value = "1")]
    scale: Vec<f64>,
    /// Folder for generated data and spilled intermediates; emptied at the end [default: the system's temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Numbers of workers
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    workers: Vec<usize>,
    /// How often each query runs everywhere, after one run that is not counted; medians are shown
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Run the tiny queries only
    #[arg(long)]
    only_tiny: bool,
    /// Numbers of workers that tiny queries run on, in one process
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,16,32")]
    tiny: Vec<usize>,
}

/// A query on one DuckDB with so many threads, and on so many workers. Times in milliseconds.
#[derive(Default)]
struct Measured {
    workers: usize,
    one: Vec<f64>,
    many: Vec<f64>,
    /// CPU time of all runs together
    one_cpu: f64,
    many_cpu: f64,
    stats: Stats,
}

/// What the driver says of the last run.
#[derive(Clone, Copy, Default)]
struct Stats {
    tasks: f64,
    stages: f64,
    exchanged_mb: f64,
}

impl Measured {
    fn overhead(&self) -> f64 {
        median(&self.many) / median(&self.one)
    }
}

/// Measure and print.
///
/// # Errors
/// A query fails, or its answers differ.
pub fn run(args: &Args) -> Result<bool> {
    let cores = available_parallelism().map_or(1, usize::from);
    println!(
        "One machine with {cores} cores. More workers or threads than that share them: their times show overhead, not speed-up."
    );
    if !args.only_tiny {
        let mut all = Vec::new();
        for scale in &args.scale {
            all.extend(run_scale(args, *scale)?);
        }
        print_model(&all, cores);
    }
    let dir = workspace::Args {
        scale: 1.0,
        dir: args.dir.clone(),
    }
    .create_dir()?;
    let client = client::open(&Products::locate()?.extension(), dir.path())?;
    client.execute_batch("SET duckherder_distribution = 'force'")?;
    fixed_costs::run(&client, &args.tiny, args.runs, dir.path())?;
    Ok(true)
}

/// Queries first, and then tables, on the same files.
fn run_scale(args: &Args, scale: f64) -> Result<Vec<Measured>> {
    let dir = workspace::Args {
        scale,
        dir: args.dir.clone(),
    }
    .create_dir()?;
    let queries = measure(args, scale, dir.path())?;
    print_queries(&queries, args);
    bench_tables::measure(args.runs, dir.path())?;
    Ok(queries.into_iter().flat_map(|(_, measured)| measured).collect())
}

type Queries = Vec<(&'static str, Vec<Measured>)>;

fn measure(args: &Args, scale: f64, dir: &Path) -> Result<Queries> {
    let products = Products::locate()?;
    let client = client::open(&products.extension(), dir)?;
    println!("\nGenerate TPC-H, scale {scale}, as Parquet files");
    cluster::generate(&client, scale, dir)?;
    let catalog = |workers: &usize| format!("with_{workers}");
    let start = |workers: &usize| {
        let server = products.server();
        Cluster::start(&server, &client, &catalog(workers), *workers, Some(1), dir)
    };
    let clusters: Vec<Cluster> = args.workers.iter().map(start).collect::<Result<_>>()?;
    client.execute_batch("SET duckherder_distribution = 'force'")?;

    let empty = |workers: &usize| Measured {
        workers: *workers,
        ..Measured::default()
    };
    let mut queries: Queries = QUERIES
        .iter()
        .map(|query| (query.name, args.workers.iter().map(empty).collect()))
        .collect();
    for round in 0..=args.runs {
        for (query, (_, measured)) in QUERIES.iter().zip(&mut queries) {
            for (cluster, measured) in clusters.iter().zip(measured) {
                let catalog = catalog(&measured.workers);
                run_both(&client, query, &catalog, cluster, measured, round > 0)
                    .with_context(|| format!("{} on {} workers", query.name, measured.workers))?;
            }
        }
    }
    Ok(queries)
}

/// Run a query in both places, one after the other, and compare the answers. The first time is not counted: files and plans
/// are cold.
fn run_both(
    client: &Connection,
    query: &Query,
    catalog: &str,
    cluster: &Cluster,
    measured: &mut Measured,
    counts: bool,
) -> Result<()> {
    let cluster_pids = cluster.pids();
    client.execute_batch(&format!("USE memory; SET threads = {}", measured.workers))?;
    let before = cpu_ms(&[std::process::id()])?;
    let (one, one_time) = timed(|| Answer::of(client, query.sql))?;
    let one_cpu = cpu_ms(&[std::process::id()])? - before;
    client.execute_batch(&format!("USE {catalog}; SET threads = 1"))?;
    let before = cpu_ms(&cluster_pids)?;
    let many = timed(|| Answer::of(client, query.sql));
    let many_cpu = cpu_ms(&cluster_pids)? - before;
    client.execute_batch("USE memory")?;
    let (many, many_time) = many?;
    let verdict = one.compare(&many, query.order_by);
    ensure!(verdict.is_identical(), "{verdict}");
    measured.stats = stats(client, catalog)?;
    if counts {
        measured.one.push(milliseconds(one_time));
        measured.many.push(milliseconds(many_time));
        measured.one_cpu += one_cpu;
        measured.many_cpu += many_cpu;
    }
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What the workers have done for the last query.
fn stats(client: &Connection, catalog: &str) -> Result<Stats> {
    let sql = format!(
        "SELECT num_tasks_generated, num_stages, bytes_exchanged \
         FROM duckherder_get_query_execution_stats('{catalog}') WHERE sql LIKE 'SELECT%' OR sql LIKE 'WITH%' \
         ORDER BY query_id DESC LIMIT 1"
    );
    let count = |row: &duckdb::Row<'_>, column| row.get::<_, i64>(column).map(|count| count as f64);
    Ok(client.query_row(&sql, [], |row| {
        Ok(Stats {
            tasks: count(row, 0)?,
            stages: count(row, 1)?,
            exchanged_mb: count(row, 2)? / 1e6,
        })
    })?)
}

fn print_queries(queries: &Queries, args: &Args) {
    let list = |title: &str| {
        format!("{title} {:?}", args.workers)
            .replace(['[', ']'], "")
            .replace(", ", "/")
    };
    println!(
        "\nMedians of {} interleaved runs, in ms; overhead: cluster / one DuckDB",
        args.runs
    );
    println!(
        "  query {:>27} {:>27} {:>20} {:>20} {:>18} {:>12} {:>9}",
        list("one DuckDB, threads"),
        list("cluster, workers"),
        "overhead",
        "speed-up",
        "exchanged MB",
        "tasks",
        "stages"
    );
    let columns = |width: usize, values: Vec<f64>, digits: usize| -> String {
        let values: Vec<_> = values.iter().map(|value| format!("{value:>width$.digits$}")).collect();
        values.join(" ")
    };
    let mut totals = vec![[0.0; 3]; args.workers.len()];
    for (name, measured) in queries {
        for (total, measured) in totals.iter_mut().zip(measured) {
            for (sum, value) in total.iter_mut().zip([
                median(&measured.one),
                median(&measured.many),
                measured.stats.exchanged_mb,
            ]) {
                *sum += value;
            }
        }
        let all = |value: fn(&Measured) -> f64| measured.iter().map(value).collect::<Vec<_>>();
        let many = all(|measured| median(&measured.many));
        println!(
            "  {name:<5} {:>27} {:>27} {:>20} {:>20} {:>18} {:>12} {:>9}",
            columns(7, all(|measured| median(&measured.one)), 1),
            columns(7, many.clone(), 1),
            columns(5, all(Measured::overhead), 2),
            columns(5, many.iter().map(|time| many[0] / time).collect(), 2),
            columns(5, all(|measured| measured.stats.exchanged_mb), 1),
            columns(3, all(|measured| measured.stats.tasks), 0),
            columns(2, all(|measured| measured.stats.stages), 0),
        );
    }
    let of = |index: usize| totals.iter().map(|total| total[index]).collect::<Vec<_>>();
    println!(
        "  total {:>27} {:>27} {:>20} {:>20} {:>18}",
        columns(7, of(0), 0),
        columns(7, of(1), 0),
        columns(5, totals.iter().map(|[one, many, _]| many / one).collect(), 2),
        columns(5, totals.iter().map(|[_, many, _]| totals[0][1] / many).collect(), 2),
        columns(5, of(2), 0),
    );
    for (index, workers) in args.workers.iter().enumerate() {
        let sum = |value: fn(&Measured) -> f64| -> f64 {
            let runs = args.runs.max(1) as f64;
            queries.iter().map(|(_, measured)| value(&measured[index])).sum::<f64>() / runs
        };
        let (one, many) = (sum(|measured| measured.one_cpu), sum(|measured| measured.many_cpu));
        println!(
            "  CPU time of all queries: one DuckDB with {workers} threads {one:.0} ms, driver and {workers} workers {many:.0} ms: {:.2} ×",
            many / one
        );
    }
}

/// What a query costs more on a cluster than in one DuckDB, as a sum of what it is made of.
fn print_model(measured: &[Measured], cores: usize) {
    let distributed = || measured.iter().filter(|measured| measured.stats.tasks > 0.0);
    let inputs = |measured: &Measured| [1.0, measured.stats.tasks, measured.stats.exchanged_mb];
    let time: Vec<&Measured> = distributed().filter(|measured| measured.workers <= cores).collect();
    let extra_time = |measured: &&Measured| median(&measured.many) - median(&measured.one);
    let runs = |measured: &Measured| measured.many.len() as f64;
    let extra_cpu = |measured: &Measured| (measured.many_cpu - measured.one_cpu) / runs(measured);
    println!("\nLeast squares over all queries and scales, cluster less one DuckDB with as many threads:");
    print_fit(
        &format!("time, up to {cores} workers"),
        &time.iter().map(|measured| inputs(measured)).collect::<Vec<_>>(),
        &time.iter().map(extra_time).collect::<Vec<_>>(),
    );
    print_fit(
        "CPU time, all workers",
        &distributed().map(inputs).collect::<Vec<_>>(),
        &distributed().map(extra_cpu).collect::<Vec<_>>(),
    );
}

fn print_fit(what: &str, inputs: &[[f64; 3]], outputs: &[f64]) {
    match fit(inputs, outputs) {
        Some(([query, task, megabyte], r2)) => println!(
            "  {what}: {query:.1} ms a query + {task:.2} ms a task + {megabyte:.2} ms a MB exchanged; R² {r2:.2}, {} points",
            outputs.len()
        ),
        None => println!("  {what}: too few different measurements"),
    }
}
