//! A driver and its workers as processes, and TPC-H as Parquet files that all of them read.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use duckdb::Connection;

use crate::client;
use crate::duckling::Duckling;
use crate::tpch::{self, TABLES, Table};
use crate::workspace::timed;

/// Rows of a row group: more than one for each worker, also at small scales.
const ROW_GROUP_SIZE: u64 = 40_960;
const JOIN_TIMEOUT: Duration = Duration::from_secs(20);

/// A driver with its workers, attached to a client.
pub struct Cluster {
    /// Stopped before the driver, which they would look for.
    pub workers: Vec<Duckling>,
    pub driver: Duckling,
}

impl Cluster {
    /// Start a driver and workers of one thread each, attach the driver as `catalog`, and create views of the files in `dir`.
    /// `threads` are those of the driver; as many as there are cores if it is `None`.
    ///
    /// # Errors
    /// A server does not start or join, or the client cannot attach it.
    pub fn start(
        server: &Path,
        client: &Connection,
        catalog: &str,
        workers: usize,
        threads: Option<usize>,
        dir: &Path,
    ) -> Result<Self> {
        Self::start_with(server, client, catalog, workers, threads, dir, &[])
    }

    /// The same, with distributed tables, whose files and whose database are in `dir` too.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_with_storage(
        server: &Path,
        client: &Connection,
        catalog: &str,
        workers: usize,
        threads: Option<usize>,
        dir: &Path,
    ) -> Result<Self> {
        let storage = dir.join("storage").to_string_lossy().into_owned();
        // On disk, so that COMMIT costs what it costs users
        let database = format!("tables={}", dir.join("tables.duckdb").to_string_lossy());
        let arguments = ["--storage", &storage, "--database", &database];
        Self::start_with(server, client, catalog, workers, threads, dir, &arguments)
    }

    /// Start with further arguments of the driver.
    fn start_with(
        server: &Path,
        client: &Connection,
        catalog: &str,
        workers: usize,
        threads: Option<usize>,
        dir: &Path,
        arguments: &[&str],
    ) -> Result<Self> {
        let threads = threads.map(|threads| threads.to_string());
        let mut arguments = arguments.to_vec();
        arguments.extend(threads.iter().flat_map(|threads| ["--threads", threads]));
        let driver = Duckling::start_with(server, &arguments)?;
        let address = format!("127.0.0.1:{}", driver.port());
        let worker = |number: usize| {
            let name = format!("w{number}");
            let join = ["--join", &address, "--worker-id", &name, "--threads", "1"];
            Duckling::start_with(server, &join)
        };
        let cluster = Self {
            workers: (1..=workers).map(worker).collect::<Result<_>>()?,
            driver,
        };
        client
            .execute_batch(&client::attach_statement_as(catalog, cluster.driver.port()))
            .with_context(|| format!("cannot attach the driver at {address}"))?;
        await_workers(client, catalog, workers)?;
        for table in &TABLES {
            client.execute_batch(&format!(
                "CREATE VIEW {catalog}.{0} AS FROM read_parquet('{1}')",
                table.name,
                file(dir, table.name)
            ))?;
        }
        Ok(cluster)
    }

    /// Of the driver and the workers.
    pub fn pids(&self) -> Vec<u32> {
        let servers = [&self.driver].into_iter().chain(&self.workers);
        servers.map(Duckling::pid).collect()
    }
}

/// The Parquet file of that name in `dir`, as it stands between quotes in SQL.
pub fn file(dir: &Path, table: &str) -> String {
    dir.join(format!("{table}.parquet"))
        .to_string_lossy()
        .replace('\'', "''")
}

/// The statement that makes an empty distributed table with the columns of `table`.
pub fn create_distributed(name: &str, table: &Table) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|(name, sql_type)| format!("{name} {sql_type}"))
        .collect();
    format!("CREATE TABLE {name} ({}) WITH (distributed = true)", columns.join(", "))
}

/// Write all tables as Parquet files into `dir`, and create views of them in the client.
///
/// # Errors
/// The folder cannot be written.
pub fn generate(client: &Connection, scale: f64, dir: &Path) -> Result<()> {
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

fn await_workers(client: &Connection, catalog: &str, wanted: usize) -> Result<()> {
    let deadline = Instant::now() + JOIN_TIMEOUT;
    let sql = format!("SELECT duckherder_get_worker_count('{catalog}')");
    loop {
        let count: usize = client.query_row(&sql, [], |row| row.get(0))?;
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
