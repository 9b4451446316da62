//! Plans that are cut into stages: run in separate DuckDB instances, without a network, they give the result of one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, BooleanArray, RecordBatch, RecordBatchIterator};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{SchemaRef, UInt64Type};
use arrow::util::pretty::pretty_format_batches;
use duckling_server::engine::{
    Batches, Connection, Database, EngineError, Feed, Interrupt, ProgressProbe, QueryReport, QueryRunner, RemoteQuery,
};
use serde_json::Value;
use tempfile::TempDir;
use tpchgen::csv::{CustomerCsv, LineItemCsv, NationCsv, OrderCsv, PartCsv, PartSuppCsv, RegionCsv, SupplierCsv};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

#[path = "../../../benchmark/src/tpch/tables.rs"]
#[allow(dead_code)]
mod tables;

const SCALE: f64 = 0.01;
const INSTANCES: usize = 3;

/// Runs the stages one after the other, each task in one of several instances.
struct Separate {
    instances: Vec<Database>,
    queries: Mutex<Vec<String>>,
}

/// What the last stage has made.
struct Rows(VecDeque<RecordBatch>);

impl Iterator for Rows {
    type Item = Result<RecordBatch, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop_front().map(Ok)
    }
}

impl RemoteQuery for Rows {
    fn progress(&self) -> ProgressProbe {
        Box::new(|| 1.0)
    }

    fn finish(&mut self) -> QueryReport {
        QueryReport::default()
    }
}

fn memory() -> Database {
    let database = Database::open(&[("threads".to_string(), "2".to_string())]).unwrap();
    database.attach("memory", None, false).unwrap();
    database.set_default("memory").unwrap();
    database
}

impl Separate {
    fn task(
        &self,
        stage: &Value,
        task: usize,
        outputs: &[Vec<Vec<RecordBatch>>],
        schemas: &[SchemaRef],
    ) -> Result<Vec<RecordBatch>, EngineError> {
        let connection = self.instances[task % self.instances.len()].connect()?;
        connection.keep_types()?;
        for input in stage["inputs"].as_array().unwrap() {
            let source = input["stage"].as_u64().unwrap() as usize;
            let rows = outputs[source].iter().flatten().cloned();
            let rows: Vec<_> = match input["exchange"].as_str().unwrap() {
                "Shuffle" => rows
                    .map(|batch| share(&batch, task, stage["tasks"].as_u64().unwrap()))
                    .collect(),
                _ => rows.collect(),
            };
            let rows = RecordBatchIterator::new(rows.into_iter().map(Ok), schemas[source].clone());
            let name = input["name"].as_str().unwrap();
            let sql = format!("CREATE TEMP TABLE \"{name}\" AS SELECT * FROM arrow_scan()");
            connection
                .insert_from(&sql, Box::new(rows))?
                .collect::<Result<Vec<_>, _>>()?;
        }
        for scan in stage["scans"].as_array().unwrap() {
            let (name, sql) = (scan["name"].as_str().unwrap(), scan["sql"][task].as_str().unwrap());
            connection.query(&format!("CREATE TEMP VIEW \"{name}\" AS {sql}"))?;
        }
        connection.query(stage["sql"].as_str().unwrap())
    }
}

/// The rows of `batch` whose hash is the task's.
fn share(batch: &RecordBatch, task: usize, tasks: u64) -> RecordBatch {
    let hashes = batch.column(batch.num_columns() - 1).as_primitive::<UInt64Type>();
    let mine: BooleanArray = hashes
        .iter()
        .map(|hash| hash.map(|hash| hash % tasks == task as u64))
        .collect();
    filter_record_batch(batch, &mine).unwrap()
}

impl QueryRunner for Separate {
    fn worker_count(&self) -> usize {
        self.instances.len()
    }

    fn feed(&self, schema: SchemaRef) -> Feed {
        Feed::new(schema, std::env::temp_dir())
    }

    fn start(
        &self,
        query: &str,
        schemas: Vec<SchemaRef>,
        feeds: Vec<Arc<Feed>>,
        _: Interrupt,
    ) -> Result<Batches, EngineError> {
        self.queries.lock().unwrap().push(query.to_string());
        let query: Value = serde_json::from_str(query).unwrap();
        let mut outputs = Vec::new();
        for stage in query["stages"].as_array().unwrap() {
            if let Some(feed) = stage["feed"].as_u64() {
                let rows = (0..).map_while(|position| feeds[feed as usize].read(position).transpose());
                outputs.push(vec![rows.collect::<Result<Vec<_>, _>>()?]);
                continue;
            }
            let tasks = stage["tasks"].as_u64().unwrap() as usize;
            let of_tasks: Result<Vec<_>, _> = (0..tasks)
                .map(|task| self.task(stage, task, &outputs, &schemas))
                .collect();
            outputs.push(of_tasks?);
        }
        let last = outputs.pop().unwrap();
        Ok(Box::new(Rows(last.into_iter().flatten().collect())))
    }
}

fn write_csv<R: Display>(path: &Path, rows: impl Iterator<Item = R>) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    for row in rows {
        writeln!(file, "{row}").unwrap();
    }
}

/// TPC-H as Parquet files, and a view on each.
fn tpch(driver: &Connection, dir: &Path) {
    for table in &tables::TABLES {
        let csv = dir.join(format!("{}.csv", table.name));
        match table.name {
            "region" => write_csv(&csv, RegionGenerator::new(SCALE, 1, 1).iter().map(RegionCsv::new)),
            "nation" => write_csv(&csv, NationGenerator::new(SCALE, 1, 1).iter().map(NationCsv::new)),
            "supplier" => write_csv(&csv, SupplierGenerator::new(SCALE, 1, 1).iter().map(SupplierCsv::new)),
            "customer" => write_csv(&csv, CustomerGenerator::new(SCALE, 1, 1).iter().map(CustomerCsv::new)),
            "part" => write_csv(&csv, PartGenerator::new(SCALE, 1, 1).iter().map(PartCsv::new)),
            "partsupp" => write_csv(&csv, PartSuppGenerator::new(SCALE, 1, 1).iter().map(PartSuppCsv::new)),
            "orders" => write_csv(&csv, OrderGenerator::new(SCALE, 1, 1).iter().map(OrderCsv::new)),
            _ => write_csv(&csv, LineItemGenerator::new(SCALE, 1, 1).iter().map(LineItemCsv::new)),
        }
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|(name, of)| format!("'{name}': '{of}'"))
            .collect();
        let parquet = dir.join(format!("{}.parquet", table.name));
        let (csv, parquet) = (csv.display(), parquet.display());
        driver
            .query(&format!(
                "COPY (FROM read_csv('{csv}', auto_detect = false, header = false, delim = ',', quote = '\"', \
                 columns = {{{}}})) TO '{parquet}' (ROW_GROUP_SIZE 4096)",
                columns.join(", ")
            ))
            .unwrap();
        driver
            .query(&format!("CREATE VIEW {} AS FROM read_parquet('{parquet}')", table.name))
            .unwrap();
    }
}

struct Setup {
    runner: Arc<Separate>,
    driver: Connection,
    _database: Database,
    _dir: TempDir,
}

fn setup() -> Setup {
    let dir = TempDir::new().unwrap();
    let database = memory();
    let runner = Arc::new(Separate {
        instances: (0..INSTANCES).map(|_| memory()).collect(),
        queries: Mutex::default(),
    });
    database.distribute_by(runner.clone()).unwrap();
    let driver = database.connect().unwrap();
    driver.query("SET duckherder_distribution = 'off'").unwrap();
    tpch(&driver, dir.path());
    Setup {
        runner,
        driver,
        _database: database,
        _dir: dir,
    }
}

/// The rows as text, in a fixed order; DOUBLE to 12 digits.
fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let text = pretty_format_batches(batches).unwrap().to_string();
    let mut rows: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(normal)
        .collect();
    rows.sort();
    rows
}

fn normal(row: &str) -> String {
    let cells = row.split('|').map(|cell| {
        let cell = cell.trim();
        match cell.parse::<f64>() {
            Ok(number) if cell.contains('.') => format!("{number:.11e}"),
            _ => cell.to_string(),
        }
    });
    cells.collect::<Vec<_>>().join("|")
}

impl Setup {
    /// Run `sql` on one node and on several; returns the number of tasks of each distributed query in it.
    fn compare(&self, sql: &str) -> Result<Vec<usize>, String> {
        let run = |mode: &str| {
            self.driver
                .query(&format!("SET duckherder_distribution = '{mode}'"))
                .unwrap();
            self.driver
                .query(sql)
                .map(|batches| rows(&batches))
                .map_err(|error| format!("{mode}: {error}"))
        };
        let expected = run("off")?;
        self.runner.queries.lock().unwrap().clear();
        let found = run("force");
        let queries = self.runner.queries.lock().unwrap().clone();
        let found = found.map_err(|error| format!("{error}\n{}", queries.join("\n")))?;
        if expected != found {
            let some = |rows: &[String]| rows.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
            return Err(format!(
                "{} rows:\n{}\nand on several nodes {}:\n{}\n{}",
                expected.len(),
                some(&expected),
                found.len(),
                some(&found),
                queries.join("\n")
            ));
        }
        let tasks = queries.iter().map(|query| {
            let query: Value = serde_json::from_str(query).unwrap();
            query["stages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|stage| stage["tasks"].as_u64().unwrap() as usize)
                .sum()
        });
        Ok(tasks.collect())
    }
}

#[test]
fn tpch_is_the_same_in_separate_instances() {
    let setup = setup();
    let mut failures = BTreeMap::new();
    let mut on_one_node = Vec::new();
    for number in 1..=22 {
        let path = format!(
            "{}/../benchmark/queries/tpch/q{number:02}.sql",
            env!("CARGO_MANIFEST_DIR")
        );
        let sql = std::fs::read_to_string(path).unwrap();
        match setup.compare(sql.trim().trim_end_matches(';')) {
            Err(failure) => drop(failures.insert(number, failure)),
            Ok(tasks) if tasks.iter().sum::<usize>() <= 1 => on_one_node.push(number),
            Ok(tasks) => println!("q{number:02}: {tasks:?} tasks"),
        }
    }
    for (number, failure) in &failures {
        println!("q{number:02}: {failure}\n");
    }
    println!("on one node: {on_one_node:?}");
    assert!(failures.is_empty(), "failed: {:?}", failures.keys());
    assert!(on_one_node.len() <= 2, "on one node: {on_one_node:?}");
}
