//! Modes column, table, box and markdown: aligned columns. Their widths depend on every row, so rows are collected.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{Cell, RowRenderer, text_or};
use crate::bridge::{ColumnClass, Columns};
use crate::settings::Settings;

/// Which lines surround the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Box,
    Column,
    Markdown,
    Table,
}

/// What one style puts around and between the cells of a row.
struct Border {
    start: &'static str,
    between: &'static str,
    end: &'static str,
}

#[derive(Clone, Copy)]
enum Alignment {
    Left,
    Middle,
    Right,
}

/// The rows of one result until their widths are known.
pub struct Layout<'a> {
    style: Style,
    settings: &'a Settings,
    rows: Vec<Vec<String>>,
    widths_cells: Vec<usize>,
}

impl<'a> Layout<'a> {
    pub fn new(style: Style, settings: &'a Settings) -> Self {
        Self {
            style,
            settings,
            rows: Vec::new(),
            widths_cells: Vec::new(),
        }
    }

    fn border(&self) -> Border {
        match self.style {
            Style::Box => Border {
                start: "│ ",
                between: " │ ",
                end: " │",
            },
            Style::Column => Border {
                start: "",
                between: "  ",
                end: "",
            },
            Style::Markdown | Style::Table => Border {
                start: "| ",
                between: " | ",
                end: " |",
            },
        }
    }

    /// Write a value so that it stays in its cell.
    fn escape(&self, text: &str) -> String {
        match self.style {
            Style::Box => text.replace('\n', "\\n"),
            Style::Markdown => text.replace('|', "\\|"),
            Style::Column | Style::Table => text.to_owned(),
        }
    }

    fn take_widths(&mut self, cells: &[String]) {
        self.widths_cells.resize(cells.len(), 0);
        for (width, cell) in self.widths_cells.iter_mut().zip(cells) {
            *width = (*width).max(cell.width());
        }
    }

    fn body_alignment(&self, column: usize) -> Alignment {
        match self.settings.widths_cells.get(column) {
            Some(width) if *width < 0 => Alignment::Right,
            _ => Alignment::Left,
        }
    }

    fn write_cells(
        &self,
        out: &mut dyn Write,
        cells: &[String],
        alignment: impl Fn(usize) -> Alignment,
    ) -> io::Result<()> {
        let border = self.border();
        out.write_all(border.start.as_bytes())?;
        for (column, cell) in cells.iter().enumerate() {
            if column > 0 {
                out.write_all(border.between.as_bytes())?;
            }
            write_aligned(out, cell, self.widths_cells[column], alignment(column))?;
        }
        writeln!(out, "{}", border.end)
    }

    /// Write a horizontal line such as `├───┼───┤`.
    fn write_line(&self, out: &mut dyn Write, line: &str, corners: [&str; 3]) -> io::Result<()> {
        let [left, middle, right] = corners;
        let dashes = self
            .widths_cells
            .iter()
            .map(|width| line.repeat(width + 2))
            .collect::<Vec<_>>();
        writeln!(out, "{left}{}{right}", dashes.join(middle))
    }

    fn write_top(&self, out: &mut dyn Write, columns: &Columns, names: &[String]) -> io::Result<()> {
        match self.style {
            Style::Column if !self.settings.header => Ok(()),
            Style::Column => {
                self.write_cells(out, names, |column| self.body_alignment(column))?;
                let dashes = self
                    .widths_cells
                    .iter()
                    .map(|width| "-".repeat(*width))
                    .collect::<Vec<_>>();
                writeln!(out, "{}", dashes.join("  "))
            }
            Style::Box => {
                self.write_line(out, "─", ["┌", "┬", "┐"])?;
                self.write_cells(out, names, |_| Alignment::Middle)?;
                self.write_line(out, "─", ["├", "┼", "┤"])
            }
            Style::Table => {
                self.write_line(out, "-", ["+"; 3])?;
                self.write_cells(out, names, |_| Alignment::Middle)?;
                self.write_line(out, "-", ["+"; 3])
            }
            Style::Markdown => {
                self.write_cells(out, names, |_| Alignment::Middle)?;
                for (width, class) in self.widths_cells.iter().zip(&columns.classes) {
                    // A colon at the end aligns the column right.
                    match class {
                        ColumnClass::Numeric => write!(out, "|{}:", "-".repeat(width + 1))?,
                        _ => write!(out, "|{}", "-".repeat(width + 2))?,
                    }
                }
                writeln!(out, "|")
            }
        }
    }
}

impl RowRenderer for Layout<'_> {
    fn header(&mut self, _out: &mut dyn Write, columns: &Columns) -> io::Result<()> {
        let minimum = |column: usize| {
            self.settings
                .widths_cells
                .get(column)
                .copied()
                .unwrap_or(0)
                .unsigned_abs()
        };
        self.widths_cells = (0..columns.names.len())
            .map(|column| usize::try_from(minimum(column)).unwrap_or(0))
            .collect();
        Ok(())
    }

    fn row(&mut self, _out: &mut dyn Write, _columns: &Columns, cells: &[Cell<'_>]) -> io::Result<()> {
        let row: Vec<_> = cells
            .iter()
            .map(|cell| self.escape(text_or(cell, &self.settings.null_value)))
            .collect();
        self.take_widths(&row);
        self.rows.push(row);
        Ok(())
    }

    fn footer(&mut self, out: &mut dyn Write, columns: &Columns) -> io::Result<()> {
        let names: Vec<_> = columns.names.iter().map(|name| self.escape(name)).collect();
        self.take_widths(&names);
        self.write_top(out, columns, &names)?;
        for row in &self.rows {
            self.write_cells(out, row, |column| self.body_alignment(column))?;
        }
        match self.style {
            Style::Box => self.write_line(out, "─", ["└", "┴", "┘"]),
            Style::Table => self.write_line(out, "-", ["+"; 3]),
            Style::Column | Style::Markdown => Ok(()),
        }
    }
}

fn write_aligned(out: &mut dyn Write, text: &str, width_cells: usize, alignment: Alignment) -> io::Result<()> {
    let space = width_cells.saturating_sub(text.width());
    let left = match alignment {
        Alignment::Left => 0,
        Alignment::Middle => space / 2,
        Alignment::Right => space,
    };
    write!(out, "{}{text}{}", " ".repeat(left), " ".repeat(space - left))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn draw(style: Style, settings: &Settings) -> String {
        let columns = Columns {
            names: vec!["id".to_owned(), "name".to_owned()],
            classes: vec![ColumnClass::Numeric, ColumnClass::Other],
        };
        let mut layout = Layout::new(style, settings);
        let mut out = Vec::new();
        let rows: [[Cell<'_>; 2]; 2] = [
            [Some(Cow::from("1")), Some(Cow::from("duck|é"))],
            [Some(Cow::from("22")), None],
        ];
        layout.header(&mut out, &columns).expect("memory can be written");
        for row in &rows {
            layout.row(&mut out, &columns, row).expect("memory can be written");
        }
        layout.footer(&mut out, &columns).expect("memory can be written");
        String::from_utf8(out).expect("the drawing is text")
    }

    #[test]
    fn table_surrounds_its_cells() {
        let expected = "\
+----+--------+
| id |  name  |
+----+--------+
| 1  | duck|é |
| 22 | NULL   |
+----+--------+
";
        assert_eq!(draw(Style::Table, &Settings::default()), expected);
    }

    #[test]
    fn markdown_escapes_pipes_and_aligns_numbers() {
        let expected = "\
| id |  name   |
|---:|---------|
| 1  | duck\\|é |
| 22 | NULL    |
";
        assert_eq!(draw(Style::Markdown, &Settings::default()), expected);
    }

    #[test]
    fn column_takes_the_set_widths() {
        let settings = Settings {
            widths_cells: vec![-4, 8],
            ..Settings::default()
        };
        let expected = [
            "  id  name    ",
            "----  --------",
            "   1  duck|é  ",
            "  22  NULL    ",
            "",
        ]
        .join("\n");
        assert_eq!(draw(Style::Column, &settings), expected);
    }
}
