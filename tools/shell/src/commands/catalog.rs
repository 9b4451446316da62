//! Commands that show what is in the attached databases. They ask DuckDB's own catalog functions.

use unicode_width::UnicodeWidthStr;

use crate::error::ShellError;
use crate::shell::{Flow, Shell};
use crate::sql::{self, TextRow, quote_literal};

/// Width that a listing fills when the terminal's is not known, in cells.
const LISTING_WIDTH_CELLS: usize = 80;

/// List tables and views; those outside the current schema carry the names that reach them.
pub fn tables(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let rows = sql::query(
        shell.session(),
        &format!(
            "SELECT CASE
                 WHEN database_name = current_database() AND schema_name = current_schema() THEN name
                 WHEN schema_name = 'main' THEN database_name || '.' || name
                 ELSE database_name || '.' || schema_name || '.' || name
             END AS full_name
             FROM (
                 SELECT database_name, schema_name, table_name AS name FROM duckdb_tables() WHERE NOT internal
                 UNION ALL
                 SELECT database_name, schema_name, view_name FROM duckdb_views() WHERE NOT internal
             )
             WHERE name LIKE {} ORDER BY full_name",
            pattern(arguments)
        ),
    )?;
    let names: Vec<_> = first_column(rows).collect();
    let cell_width = names.iter().map(|name| name.width()).max().unwrap_or(0) + 2;
    let per_line = (LISTING_WIDTH_CELLS / cell_width).max(1);
    let out = shell.output.writer();
    for line in names.chunks(per_line) {
        let cells = line
            .iter()
            .map(|name| format!("{name}{}", " ".repeat(cell_width - name.width())));
        writeln!(out, "{}", cells.collect::<String>().trim_end())?;
    }
    Ok(Flow::Continue)
}

/// Show CREATE statements, in an order in which they can be run.
pub fn schema(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let rows = sql::query(
        shell.session(),
        &format!(
            "SELECT sql FROM (
                 SELECT 1 AS step, database_name, schema_name, sequence_name AS name, sql FROM duckdb_sequences()
                 UNION ALL
                 SELECT 2, database_name, schema_name, table_name, sql FROM duckdb_tables() WHERE NOT internal
                 UNION ALL
                 SELECT 3, database_name, schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal
                 UNION ALL
                 SELECT 4, database_name, schema_name, index_name, sql FROM duckdb_indexes()
             )
             WHERE sql IS NOT NULL AND name LIKE {} ORDER BY database_name, step, schema_name, name",
            pattern(arguments)
        ),
    )?;
    let out = shell.output.writer();
    for statement in first_column(rows) {
        writeln!(out, "{};", statement.trim_end().trim_end_matches(';'))?;
    }
    Ok(Flow::Continue)
}

/// List the attached databases with their files.
pub fn databases(shell: &mut Shell, _arguments: &[String]) -> Result<Flow, ShellError> {
    let rows = sql::query(
        shell.session(),
        "SELECT database_name || ': ' || coalesce(path, '') FROM duckdb_databases() WHERE NOT internal ORDER BY 1",
    )?;
    let out = shell.output.writer();
    for line in first_column(rows) {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(Flow::Continue)
}

fn pattern(arguments: &[String]) -> String {
    quote_literal(arguments.first().map_or("%", String::as_str))
}

fn first_column(rows: Vec<TextRow>) -> impl Iterator<Item = String> {
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten())
}
