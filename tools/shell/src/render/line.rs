//! Mode line: one line per value, a blank line between rows.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{Cell, RowRenderer, text_or};
use crate::bridge::Columns;
use crate::settings::Settings;

/// Least room for the names, as in DuckDB.
const MIN_NAME_WIDTH_CELLS: usize = 5;

pub struct Line<'a> {
    settings: &'a Settings,
    name_width_cells: usize,
    is_first_row: bool,
}

impl<'a> Line<'a> {
    pub fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            name_width_cells: MIN_NAME_WIDTH_CELLS,
            is_first_row: true,
        }
    }
}

impl RowRenderer for Line<'_> {
    fn header(&mut self, _out: &mut dyn Write, columns: &Columns) -> io::Result<()> {
        let widest = columns.names.iter().map(|name| name.width()).max().unwrap_or(0);
        self.name_width_cells = widest.max(MIN_NAME_WIDTH_CELLS);
        Ok(())
    }

    fn row(&mut self, out: &mut dyn Write, columns: &Columns, cells: &[Cell<'_>]) -> io::Result<()> {
        let end = &self.settings.row_separator;
        if !self.is_first_row {
            out.write_all(end.as_bytes())?;
        }
        self.is_first_row = false;
        for (name, cell) in columns.names.iter().zip(cells) {
            let indent = " ".repeat(self.name_width_cells - name.width());
            write!(
                out,
                "{indent}{name} = {}{end}",
                text_or(cell, &self.settings.null_value)
            )?;
        }
        Ok(())
    }

    fn footer(&mut self, _out: &mut dyn Write, _columns: &Columns) -> io::Result<()> {
        Ok(())
    }
}
