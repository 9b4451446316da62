//! Mode insert: one INSERT statement per row, each on one line.

use std::io::{self, Write};

use super::{Cell, RowRenderer};
use crate::bridge::{ColumnClass, Columns};
use crate::settings::Settings;
use crate::sql::{quote_identifier, quote_literal};

pub struct Insert<'a> {
    settings: &'a Settings,
    /// `INSERT INTO table(columns) VALUES(`
    prefix: String,
}

impl<'a> Insert<'a> {
    pub fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            prefix: String::new(),
        }
    }
}

impl RowRenderer for Insert<'_> {
    fn header(&mut self, _out: &mut dyn Write, columns: &Columns) -> io::Result<()> {
        let table = quote_identifier(&self.settings.insert_table);
        let names: Vec<_> = columns.names.iter().map(|name| quote_identifier(name)).collect();
        self.prefix = if self.settings.header {
            format!("INSERT INTO {table}({}) VALUES(", names.join(","))
        } else {
            format!("INSERT INTO {table} VALUES(")
        };
        Ok(())
    }

    fn row(&mut self, out: &mut dyn Write, columns: &Columns, cells: &[Cell<'_>]) -> io::Result<()> {
        out.write_all(self.prefix.as_bytes())?;
        for (column, cell) in cells.iter().enumerate() {
            let comma = if column > 0 { "," } else { "" };
            match (cell, columns.classes[column]) {
                (None, _) => write!(out, "{comma}NULL")?,
                (Some(text), ColumnClass::Numeric) if text.ends_with(|last: char| last.is_ascii_digit()) => {
                    write!(out, "{comma}{text}")?;
                }
                (Some(text), _) => write!(out, "{comma}{}", one_line_literal(text))?,
            }
        }
        out.write_all(b");\n")
    }

    fn footer(&mut self, _out: &mut dyn Write, _columns: &Columns) -> io::Result<()> {
        Ok(())
    }
}

/// Write a text as a SQL expression without line breaks.
fn one_line_literal(text: &str) -> String {
    if !text.contains(['\n', '\r', '\0']) {
        return quote_literal(text);
    }
    let escaped = quote_literal(text)
        .replace('\n', "', chr(10), '")
        .replace('\r', "', chr(13), '")
        .replace('\0', "', chr(0), '");
    format!("concat({escaped})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_become_calls() {
        assert_eq!(one_line_literal("it's"), "'it''s'");
        assert_eq!(one_line_literal("a\nb"), "concat('a', chr(10), 'b')");
    }
}
