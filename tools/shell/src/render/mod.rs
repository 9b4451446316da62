//! Shows a result in one of the output modes. One file per family of modes; rows are written as they arrive unless a
//! mode must know all of them to align its columns.

mod column_layout;
mod delimited;
mod duckbox;
mod html;
mod insert;
mod json;
mod line;
mod mode;

use std::borrow::Cow;
use std::io::{self, Write};

use column_layout::{Layout, Style};
use delimited::{Delimited, Quoting};
pub use mode::Mode;

use crate::bridge::{ChunkFormat, Columns, Query, QueryKind};
use crate::error::ShellError;
use crate::output::Output;
use crate::settings::Settings;

/// A value as text, `None` for NULL.
pub type Cell<'a> = Option<Cow<'a, str>>;

/// Writes a result row by row: `header` once, `row` for each row in order, `footer` once.
pub trait RowRenderer {
    /// How nested values should read.
    fn format(&self) -> ChunkFormat {
        ChunkFormat::Text
    }

    fn header(&mut self, out: &mut dyn Write, columns: &Columns) -> io::Result<()>;

    fn row(&mut self, out: &mut dyn Write, columns: &Columns, cells: &[Cell<'_>]) -> io::Result<()>;

    fn footer(&mut self, out: &mut dyn Write, columns: &Columns) -> io::Result<()>;
}

/// Show the result of a statement. Statements that return no rows show nothing, as in DuckDB's shell.
///
/// # Errors
/// The query's own error, which may come after some rows were written, or that of the output.
pub fn render(mut query: Query<'_>, settings: &Settings, output: &mut Output) -> Result<(), ShellError> {
    match query.kind() {
        QueryKind::Nothing | QueryKind::Changes => drain(&mut query),
        QueryKind::Plan if settings.mode.shows_plans_as_text() => write_plan(&mut query, output),
        QueryKind::Plan | QueryKind::Rows => render_rows(&mut query, settings, output),
    }
}

fn render_rows(query: &mut Query<'_>, settings: &Settings, output: &mut Output) -> Result<(), ShellError> {
    let mut renderer: Box<dyn RowRenderer + '_> = match settings.mode {
        Mode::Duckbox => return duckbox::render(query, settings, output),
        Mode::Trash => return drain(query),
        Mode::Box => Box::new(Layout::new(Style::Box, settings)),
        Mode::Column => Box::new(Layout::new(Style::Column, settings)),
        Mode::Markdown => Box::new(Layout::new(Style::Markdown, settings)),
        Mode::Table => Box::new(Layout::new(Style::Table, settings)),
        Mode::Csv => Box::new(Delimited::new(Quoting::Csv, settings)),
        Mode::Quote => Box::new(Delimited::new(Quoting::Sql, settings)),
        Mode::List | Mode::Tabs => Box::new(Delimited::new(Quoting::None, settings)),
        Mode::Html => Box::new(html::Html::new(settings)),
        Mode::Insert => Box::new(insert::Insert::new(settings)),
        Mode::Json => Box::new(json::Json::array()),
        Mode::JsonLines => Box::new(json::Json::lines()),
        Mode::Line => Box::new(line::Line::new(settings)),
    };
    write_rows(query, renderer.as_mut(), output.writer())
}

fn write_rows(query: &mut Query<'_>, renderer: &mut dyn RowRenderer, out: &mut dyn Write) -> Result<(), ShellError> {
    let columns = query.columns();
    let column_count = columns.names.len();
    // The first rows come before the header: a query that fails at once writes nothing but its error.
    let mut next = query.next_chunk(renderer.format())?;
    renderer.header(out, &columns)?;
    while let Some(chunk) = next {
        let mut cells = Vec::with_capacity(column_count);
        for row in 0..chunk.row_count() {
            cells.clear();
            cells.extend((0..column_count).map(|column| chunk.value(column, row)));
            renderer.row(out, &columns, &cells)?;
        }
        next = query.next_chunk(renderer.format())?;
    }
    renderer.footer(out, &columns)?;
    Ok(())
}

/// Read a result to its end and show nothing of it.
fn drain(query: &mut Query<'_>) -> Result<(), ShellError> {
    while query.next_chunk(ChunkFormat::Text)?.is_some() {}
    Ok(())
}

/// Write the plans of an EXPLAIN: DuckDB has drawn them.
fn write_plan(query: &mut Query<'_>, output: &mut Output) -> Result<(), ShellError> {
    let plan_column = query.columns().names.len().saturating_sub(1);
    while let Some(chunk) = query.next_chunk(ChunkFormat::Text)? {
        for row in 0..chunk.row_count() {
            if let Some(plan) = chunk.value(plan_column, row) {
                output.writer().write_all(plan.as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Give a NULL the text that stands for it.
fn text_or<'a>(cell: &'a Cell<'_>, null_value: &'a str) -> &'a str {
    cell.as_deref().unwrap_or(null_value)
}
