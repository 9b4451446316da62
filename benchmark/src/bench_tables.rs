//! `bench-tables`, which `bench-cluster` does too: how fast distributed tables are loaded, against one DuckDB that writes
//! a Parquet file, and what is read of a table whose files are of different dates.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use duckdb::Connection;

use crate::client;
use crate::cluster::{self, Cluster, create_distributed};
use crate::process::bytes_read;
use crate::products::Products;
use crate::tpch::Table;
use crate::workspace::{self, timed};

/// Options of the command.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    workspace: workspace::Args,
    /// How often each load and each query runs; the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

const WORKERS: usize = 2;
/// From so many rows on there is a file for each month, otherwise one for each year: most of what is read of a tiny file is
/// its metadata.
const MONTHS_FROM_ROWS: u64 = 500_000;
/// Removes the files of a dropped table when it runs for the second time.
const VACUUM: &str = "FROM duckherder_vacuum(older_than := INTERVAL 0 SECOND)";

const ON_DRIVER: &str = "SET duckherder_distribution = 'off'";
const ON_WORKERS: &str = "SET duckherder_distribution = 'force'";
/// Who reads the files, and the statement that makes it so.
const READERS: [(&str, &str); 2] = [("driver", ON_DRIVER), ("workers", ON_WORKERS)];

/// One question, in ways that let DuckDB leave out less and less.
const QUERIES: [(&str, &str); 3] = [
    (
        "in WHERE",
        "SELECT sum(l_extendedprice)::VARCHAR FROM dh.by_date \
         WHERE l_shipdate BETWEEN DATE '1995-01-01' AND DATE '1995-03-31'",
    ),
    // DuckDB knows the range of `l_shipdate + INTERVAL 0 DAY`, as of all that grows with the date, but not that of xor
    (
        "in WHERE, hidden",
        "SELECT sum(l_extendedprice)::VARCHAR FROM dh.by_date \
         WHERE xor(l_shipdate - DATE '1995-01-01', 0) BETWEEN 0 AND 89",
    ),
    // Rows that a WHERE drops may be dropped while they are read, before the other columns are
    (
        "in the aggregate",
        "SELECT (sum(l_extendedprice) FILTER (WHERE l_shipdate BETWEEN DATE '1995-01-01' AND DATE '1995-03-31'))::VARCHAR \
         FROM dh.by_date",
    ),
];

/// A way to load lineitem.
struct Load {
    name: &'static str,
    /// Runs before, and is not timed
    prepare: String,
    sql: String,
    target: Target,
    fastest: Duration,
    written_bytes: u64,
}

/// Where a load puts the rows.
enum Target {
    File(PathBuf),
    Table(&'static str),
}

/// What the servers have done for one of the queries.
struct Reading {
    condition: &'static str,
    sql: &'static str,
    fastest: Duration,
    /// Of the last run
    read_bytes: u64,
}

/// Measure and print, on files of its own.
///
/// # Errors
/// The data cannot be generated, and as [`measure`].
pub fn run(args: &Args) -> Result<bool> {
    let dir = args.workspace.create_dir()?;
    println!("Generate TPC-H, scale {}, as Parquet files", args.workspace.scale);
    let client = client::open(&Products::locate()?.extension(), dir.path())?;
    cluster::generate(&client, args.workspace.scale, dir.path())?;
    drop(client);
    measure(args.runs, dir.path())?;
    Ok(true)
}

/// Measure and print. The Parquet files of TPC-H are in `dir`, where there is no storage yet.
///
/// # Errors
/// A server does not start, a statement fails, or rows are missing.
pub fn measure(runs: usize, dir: &Path) -> Result<()> {
    let runs = runs.max(1);
    let threads = available_parallelism().map_or(1, usize::from);
    let products = Products::locate()?;
    let client = client::open(&products.extension(), dir)?;
    let cluster = Cluster::start_with_storage(&products.server(), &client, "dh", WORKERS, Some(threads), dir)?;
    client.execute_batch(&format!("SET threads = {threads}"))?;
    let source = cluster::file(dir, "lineitem");
    let count = format!("SELECT count(*) FROM read_parquet('{source}')");
    let rows: u64 = client.query_row(&count, [], |row| row.get(0))?;

    println!(
        "\nLoad lineitem, {rows} rows; client and driver of {threads} threads, {WORKERS} workers of one; fastest of {runs} \
         interleaved runs"
    );
    let loads = measure_loads(&client, &source, rows, runs, dir)?;
    print_loads(&loads, rows);

    let (unit, files) = load_by_date(&client, &source, rows, dir)?;
    println!(
        "\nSum over three months of lineitem, a file for each {unit}, {files} files; fastest of {runs} interleaved runs"
    );
    measure_readings(&client, &cluster, runs)
}

fn measure_loads(client: &Connection, source: &str, rows: u64, runs: usize, dir: &Path) -> Result<[Load; 4]> {
    client.execute_batch(&format!("CREATE TABLE here AS FROM read_parquet('{source}')"))?;
    let mut loads = loads(source, dir);
    for _ in 0..runs {
        for load in &mut loads {
            load.run(client, rows).with_context(|| load.sql.clone())?;
        }
    }
    client.execute_batch("DROP TABLE here")?;
    Ok(loads)
}

/// All ways; the first one is what the others are compared with.
fn loads(source: &str, dir: &Path) -> [Load; 4] {
    let load = |name, prepare: &str, sql: &str, target| Load {
        name,
        prepare: prepare.to_string(),
        sql: sql.to_string(),
        target,
        fastest: Duration::MAX,
        written_bytes: 0,
    };
    let copy = format!(
        "COPY (FROM read_parquet('{source}')) TO '{}' (FORMAT parquet, COMPRESSION zstd)",
        cluster::file(dir, "copy")
    );
    let create = "CREATE TABLE dh.created WITH (distributed = true) AS SELECT * FROM dh.lineitem";
    let insert = "INSERT INTO dh.inserted SELECT * FROM here";
    let columns = format!("{ON_DRIVER}; {}", create_statement("dh.inserted"));
    [
        load(
            "one DuckDB: COPY to a Parquet file",
            ON_DRIVER,
            &copy,
            Target::File(dir.join("copy.parquet")),
        ),
        load(
            "CREATE TABLE AS of files, driver reads",
            ON_DRIVER,
            create,
            Target::Table("dh.created"),
        ),
        load(
            "CREATE TABLE AS of files, workers read",
            ON_WORKERS,
            create,
            Target::Table("dh.created"),
        ),
        load(
            "INSERT of the client's table",
            &columns,
            insert,
            Target::Table("dh.inserted"),
        ),
    ]
}

/// The statement that makes an empty distributed table with the columns of lineitem.
fn create_statement(name: &str) -> String {
    create_distributed(name, Table::named("lineitem").expect("TPC-H has a lineitem"))
}

impl Load {
    fn run(&mut self, client: &Connection, rows: u64) -> Result<()> {
        client.execute_batch(&self.prepare)?;
        let ((), time) = timed(|| Ok(client.execute_batch(&self.sql)?))?;
        self.fastest = self.fastest.min(time);
        self.written_bytes = self.target.remove(client, rows)?;
        Ok(())
    }
}

impl Target {
    /// Remove what was loaded, and return how many bytes it had. So the next load waits for nothing that is still to be
    /// written to the disk.
    fn remove(&self, client: &Connection, rows: u64) -> Result<u64> {
        match self {
            Self::File(path) => {
                let size = fs::metadata(path)?.len();
                fs::remove_file(path)?;
                Ok(size)
            }
            Self::Table(name) => {
                let (listed_rows, size) = listed(client, name)?;
                ensure!(listed_rows == rows, "{name} has {listed_rows} of {rows} rows");
                client.execute_batch(&format!("DROP TABLE {name}; {VACUUM}; {VACUUM}"))?;
                Ok(size)
            }
        }
    }
}

/// Rows and bytes of the files of a table.
fn listed(client: &Connection, table: &str) -> Result<(u64, u64)> {
    let sql =
        format!("SELECT sum(row_count)::UBIGINT, sum(file_size_bytes)::UBIGINT FROM duckherder_table_files('{table}')");
    Ok(client.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn print_loads(loads: &[Load], rows: u64) {
    println!(
        "  {:<38} {:>8} {:>12} {:>11} {:>7}",
        "by", "s", "rows/s", "MB written", "ratio"
    );
    for load in loads {
        let seconds = load.fastest.as_secs_f64();
        println!(
            "  {:<38} {seconds:>8.2} {:>12.0} {:>11.1} {:>5.2} ×",
            load.name,
            rows as f64 / seconds,
            megabytes(load.written_bytes),
            seconds / loads[0].fastest.as_secs_f64()
        );
    }
}

/// Fill `dh.by_date` by an INSERT, and so a file, for each month or year. Returns which, and how many.
fn load_by_date(client: &Connection, source: &str, rows: u64, dir: &Path) -> Result<(&'static str, usize)> {
    let unit = if rows < MONTHS_FROM_ROWS { "year" } else { "month" };
    // Sorted once, so that an INSERT does not read all rows
    let sorted = cluster::file(dir, "by_shipdate");
    client.execute_batch(&format!(
        "{ON_DRIVER}; COPY (FROM read_parquet('{source}') ORDER BY l_shipdate) TO '{sorted}'; \
         CREATE VIEW dh.by_shipdate AS FROM read_parquet('{sorted}'); {}",
        create_statement("dh.by_date")
    ))?;
    let firsts = first_days(client, &sorted, unit)?;
    for first in &firsts {
        client.execute_batch(&format!(
            "INSERT INTO dh.by_date SELECT * FROM dh.by_shipdate \
             WHERE l_shipdate >= DATE '{first}' AND l_shipdate < (DATE '{first}' + INTERVAL 1 {unit})::DATE"
        ))?;
    }
    let (listed_rows, _) = listed(client, "dh.by_date")?;
    ensure!(listed_rows == rows, "dh.by_date has {listed_rows} of {rows} rows");
    Ok((unit, firsts.len()))
}

/// The first day of each month or year in which something was shipped.
fn first_days(client: &Connection, file: &str, unit: &str) -> Result<Vec<String>> {
    let mut statement = client.prepare(&format!(
        "SELECT DISTINCT strftime(date_trunc('{unit}', l_shipdate), '%Y-%m-%d') FROM read_parquet('{file}') ORDER BY ALL"
    ))?;
    let days = statement.query_map([], |row| row.get(0))?;
    Ok(days.collect::<duckdb::Result<_>>()?)
}

fn measure_readings(client: &Connection, cluster: &Cluster, runs: usize) -> Result<()> {
    println!(
        "  {:<8} {:<17} {:>9} {:>7} {:>9} {:>7}",
        "read by", "condition", "MB read", "ratio", "ms", "ratio"
    );
    let mut answer = None;
    for (reader, prepare) in READERS {
        client.execute_batch(prepare)?;
        let mut readings = QUERIES.map(|(condition, sql)| Reading {
            condition,
            sql,
            fastest: Duration::MAX,
            read_bytes: 0,
        });
        for _ in 0..runs {
            for reading in &mut readings {
                let sum = reading.run(client, cluster).context(reading.sql)?;
                let first = answer.get_or_insert_with(|| sum.clone());
                ensure!(*first == sum, "{}: {sum} in the place of {first}", reading.sql);
            }
        }
        print_readings(reader, &readings);
    }
    print_scanned_files(client)
}

impl Reading {
    /// Returns the sum.
    fn run(&mut self, client: &Connection, cluster: &Cluster) -> Result<String> {
        let pids = cluster.pids();
        let before = bytes_read(&pids)?;
        let (sum, time) = timed(|| Ok(client.query_row(self.sql, [], |row| row.get(0))?))?;
        self.read_bytes = bytes_read(&pids)? - before;
        self.fastest = self.fastest.min(time);
        Ok(sum)
    }
}

fn print_readings(reader: &str, readings: &[Reading]) {
    let first = &readings[0];
    for reading in readings {
        println!(
            "  {reader:<8} {:<17} {:>9.2} {:>5.2} × {:>9.1} {:>5.2} ×",
            reading.condition,
            megabytes(reading.read_bytes),
            reading.read_bytes as f64 / first.read_bytes as f64,
            reading.fastest.as_secs_f64() * 1000.0,
            reading.fastest.as_secs_f64() / first.fastest.as_secs_f64()
        );
    }
}

/// What EXPLAIN tells of the files that are left.
fn print_scanned_files(client: &Connection) -> Result<()> {
    client.execute_batch(ON_DRIVER)?;
    for (condition, sql) in QUERIES {
        let explain = format!("EXPLAIN (FORMAT json) {sql}");
        let plan: String = client
            .query_row(&explain, [], |row| row.get(1))
            .with_context(|| explain.clone())?;
        if let Some(files) = scanned_files(&plan) {
            println!("  EXPLAIN, condition {condition}: Scanning Files: {files}");
        }
    }
    Ok(())
}

/// The `n/m` behind `Scanning Files` in a plan.
fn scanned_files(plan: &str) -> Option<String> {
    let (_, behind) = plan.split_once("Scanning Files")?;
    let files: String = behind
        .chars()
        .skip_while(|character| !character.is_ascii_digit())
        .take_while(|character| character.is_ascii_digit() || *character == '/')
        .collect();
    (!files.is_empty()).then_some(files)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_files_is_found_in_a_plan() {
        let plan = r#"{"Filters": "i<5", "Scanning Files": "3/84", "Estimated Cardinality": "7"}"#;
        assert_eq!(scanned_files(plan).as_deref(), Some("3/84"));
        assert_eq!(scanned_files(r#"{"Filters": "i<5"}"#), None);
    }
}
