//! TPC-H data → local DuckDB tables. Rows go through CSV files, one per thread, that are deleted once read: memory stays
//! flat at any scale, and DuckDB parses them on all threads.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use duckdb::Connection;
use tpchgen::csv::{CustomerCsv, LineItemCsv, NationCsv, OrderCsv, PartCsv, PartSuppCsv, RegionCsv, SupplierCsv};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

use super::Table;

/// Create one table in the connection's current database and return its number of rows.
///
/// # Errors
/// The folder `dir` cannot be written, or DuckDB refuses the files.
pub fn create_table(connection: &Connection, table: &Table, scale: f64, dir: &Path) -> Result<u64> {
    let files = write_files(table, scale, dir).with_context(|| format!("cannot write {} to {dir:?}", table.name))?;
    let created = connection.execute_batch(&create_statement(table, &files));
    for file in &files {
        fs::remove_file(file).with_context(|| format!("cannot delete {file:?}"))?;
    }
    created.with_context(|| format!("cannot create table {}", table.name))?;
    let count = connection.query_row(&format!("SELECT count(*) FROM {}", table.name), [], |row| row.get(0))?;
    Ok(count)
}

fn create_statement(table: &Table, files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file| quote(&file.to_string_lossy())).collect();
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|(name, sql_type)| format!("{}: {}", quote(name), quote(sql_type)))
        .collect();
    format!(
        "CREATE TABLE {} AS FROM read_csv([{}], auto_detect = false, header = false, delim = ',', quote = '\"', \
         escape = '\"', columns = {{{}}})",
        table.name,
        files.join(", "),
        columns.join(", "),
    )
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn write_files(table: &Table, scale: f64, dir: &Path) -> io::Result<Vec<PathBuf>> {
    let parts = match table.name {
        // Fixed size: the generator gives every part all rows.
        "region" | "nation" => 1,
        _ => thread::available_parallelism().map_or(1, |threads| threads.get() as i32),
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (1..=parts)
            .map(|part| {
                let path = dir.join(format!("{}.{part}.csv", table.name));
                scope.spawn(move || write_part(table.name, scale, part, parts, &path).map(|()| path))
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().expect("the generator does not panic"))
            .collect()
    })
}

/// Write the rows of one part. `part` counts from 1.
fn write_part(table: &str, scale: f64, part: i32, parts: i32, path: &Path) -> io::Result<()> {
    let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    match table {
        "region" => write_rows(out, RegionGenerator::new(scale, part, parts).iter().map(RegionCsv::new)),
        "nation" => write_rows(out, NationGenerator::new(scale, part, parts).iter().map(NationCsv::new)),
        "supplier" => write_rows(
            out,
            SupplierGenerator::new(scale, part, parts).iter().map(SupplierCsv::new),
        ),
        "customer" => write_rows(
            out,
            CustomerGenerator::new(scale, part, parts).iter().map(CustomerCsv::new),
        ),
        "part" => write_rows(out, PartGenerator::new(scale, part, parts).iter().map(PartCsv::new)),
        "partsupp" => write_rows(
            out,
            PartSuppGenerator::new(scale, part, parts).iter().map(PartSuppCsv::new),
        ),
        "orders" => write_rows(out, OrderGenerator::new(scale, part, parts).iter().map(OrderCsv::new)),
        "lineitem" => write_rows(
            out,
            LineItemGenerator::new(scale, part, parts).iter().map(LineItemCsv::new),
        ),
        other => unreachable!("no TPC-H table is named {other}"),
    }
}

fn write_rows<Row: Display>(mut out: impl Write, rows: impl Iterator<Item = Row>) -> io::Result<()> {
    for row in rows {
        writeln!(out, "{row}")?;
    }
    out.flush()
}
