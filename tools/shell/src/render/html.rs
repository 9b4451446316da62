//! Mode html: the rows of an HTML table.

use std::io::{self, Write};

use super::{Cell, RowRenderer, text_or};
use crate::bridge::Columns;
use crate::settings::Settings;

pub struct Html<'a> {
    settings: &'a Settings,
}

impl<'a> Html<'a> {
    pub fn new(settings: &'a Settings) -> Self {
        Self { settings }
    }
}

impl RowRenderer for Html<'_> {
    fn header(&mut self, out: &mut dyn Write, columns: &Columns) -> io::Result<()> {
        if !self.settings.header {
            return Ok(());
        }
        write_row(out, "th", columns.names.iter().map(String::as_str))
    }

    fn row(&mut self, out: &mut dyn Write, _columns: &Columns, cells: &[Cell<'_>]) -> io::Result<()> {
        write_row(
            out,
            "td",
            cells.iter().map(|cell| text_or(cell, &self.settings.null_value)),
        )
    }

    fn footer(&mut self, _out: &mut dyn Write, _columns: &Columns) -> io::Result<()> {
        Ok(())
    }
}

fn write_row<'t>(out: &mut dyn Write, tag: &str, texts: impl Iterator<Item = &'t str>) -> io::Result<()> {
    out.write_all(b"<tr>")?;
    for text in texts {
        writeln!(out, "<{tag}>{}</{tag}>", escape(text))?;
    }
    out.write_all(b"</tr>\n")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"
        );
    }
}
