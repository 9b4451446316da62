//! Modes csv, quote, list and tabs: values between separators.

use std::io::{self, Write};

use super::{Cell, RowRenderer, text_or};
use crate::bridge::{ColumnClass, Columns};
use crate::settings::Settings;
use crate::sql::{quote_identifier, quote_literal};

/// How a value is kept apart from the separators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Not at all.
    None,
    /// In double quotes where needed.
    Csv,
    /// As a SQL literal.
    Sql,
}

pub struct Delimited<'a> {
    quoting: Quoting,
    settings: &'a Settings,
}

impl<'a> Delimited<'a> {
    pub fn new(quoting: Quoting, settings: &'a Settings) -> Self {
        Self { quoting, settings }
    }

    fn write_field(&self, out: &mut dyn Write, column: usize, text: &str) -> io::Result<()> {
        if column > 0 {
            out.write_all(self.settings.column_separator.as_bytes())?;
        }
        out.write_all(text.as_bytes())
    }

    fn end_row(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.settings.row_separator.as_bytes())
    }

    /// The characters that DuckDB's shell quotes: quotes, control characters, whatever is not ASCII, the separator.
    fn needs_csv_quotes(&self, text: &str) -> bool {
        let separator = &self.settings.column_separator;
        text.bytes()
            .any(|byte| !matches!(byte, b' '..0x7f) || matches!(byte, b'"' | b'\''))
            || (!separator.is_empty() && text.contains(separator.as_str()))
    }

    fn write_csv(&self, out: &mut dyn Write, column: usize, text: &str) -> io::Result<()> {
        if self.needs_csv_quotes(text) {
            // A CSV field doubles its quotes just as an identifier does.
            self.write_field(out, column, &quote_identifier(text))
        } else {
            self.write_field(out, column, text)
        }
    }
}

impl RowRenderer for Delimited<'_> {
    fn header(&mut self, out: &mut dyn Write, columns: &Columns) -> io::Result<()> {
        if !self.settings.header {
            return Ok(());
        }
        for (column, name) in columns.names.iter().enumerate() {
            match self.quoting {
                Quoting::None => self.write_field(out, column, name)?,
                Quoting::Csv => self.write_csv(out, column, name)?,
                Quoting::Sql => self.write_field(out, column, &quote_literal(name))?,
            }
        }
        self.end_row(out)
    }

    fn row(&mut self, out: &mut dyn Write, columns: &Columns, cells: &[Cell<'_>]) -> io::Result<()> {
        for (column, cell) in cells.iter().enumerate() {
            match self.quoting {
                Quoting::None => self.write_field(out, column, text_or(cell, &self.settings.null_value))?,
                Quoting::Csv => self.write_csv(out, column, text_or(cell, &self.settings.null_value))?,
                Quoting::Sql => match (cell, columns.classes[column]) {
                    (None, _) => self.write_field(out, column, "NULL")?,
                    (Some(text), ColumnClass::Numeric | ColumnClass::Boolean) => {
                        self.write_field(out, column, text)?;
                    }
                    (Some(text), _) => self.write_field(out, column, &quote_literal(text))?,
                },
            }
        }
        self.end_row(out)
    }

    fn footer(&mut self, _out: &mut dyn Write, _columns: &Columns) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Mode;

    #[test]
    fn csv_quotes_what_duckdb_quotes() {
        let mut settings = Settings::default();
        settings.set_mode(Mode::Csv);
        let csv = Delimited::new(Quoting::Csv, &settings);
        for text in ["a,b", "a\"b", "it's", "a\nb", "é"] {
            assert!(csv.needs_csv_quotes(text), "{text:?}");
        }
        for text in ["plain", "a b", "a|b", ""] {
            assert!(!csv.needs_csv_quotes(text), "{text:?}");
        }
    }
}
