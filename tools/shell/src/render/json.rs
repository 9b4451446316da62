//! Modes json and jsonlines: one object per row. Nested values are cast to JSON by DuckDB.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{Cell, RowRenderer};
use crate::bridge::{ChunkFormat, ColumnClass, Columns};

pub struct Json {
    /// Wrap the objects in an array.
    in_array: bool,
    /// The column names as JSON strings.
    keys: Vec<String>,
    is_first_row: bool,
}

impl Json {
    pub fn array() -> Self {
        Self {
            in_array: true,
            keys: Vec::new(),
            is_first_row: true,
        }
    }

    pub fn lines() -> Self {
        Self {
            in_array: false,
            keys: Vec::new(),
            is_first_row: true,
        }
    }
}

impl RowRenderer for Json {
    fn format(&self) -> ChunkFormat {
        ChunkFormat::Json
    }

    fn header(&mut self, out: &mut dyn Write, columns: &Columns) -> io::Result<()> {
        self.keys = columns.names.iter().map(|name| quote(name)).collect();
        out.write_all(if self.in_array { b"[" } else { b"" })
    }

    fn row(&mut self, out: &mut dyn Write, columns: &Columns, cells: &[Cell<'_>]) -> io::Result<()> {
        if !self.is_first_row {
            out.write_all(if self.in_array { b",\n" } else { b"\n" })?;
        }
        self.is_first_row = false;
        out.write_all(b"{")?;
        for (column, cell) in cells.iter().enumerate() {
            let comma = if column > 0 { "," } else { "" };
            write!(out, "{comma}{}:", self.keys[column])?;
            match (cell, columns.classes[column]) {
                (None, _) => out.write_all(b"null")?,
                (Some(text), ColumnClass::Json) => out.write_all(quote_non_finite(text).as_bytes())?,
                (Some(text), ColumnClass::Boolean) => out.write_all(text.as_bytes())?,
                (Some(text), ColumnClass::Numeric) if is_json_number(text) => out.write_all(text.as_bytes())?,
                (Some(text), _) => out.write_all(quote(text).as_bytes())?,
            }
        }
        out.write_all(b"}")
    }

    fn footer(&mut self, out: &mut dyn Write, _columns: &Columns) -> io::Result<()> {
        match (self.in_array, self.is_first_row) {
            (true, _) => out.write_all(b"]\n"),
            (false, false) => out.write_all(b"\n"),
            (false, true) => Ok(()),
        }
    }
}

/// JSON has no infinities and no NaN: those become strings.
fn is_json_number(text: &str) -> bool {
    text.trim_start_matches('-')
        .starts_with(|first: char| first.is_ascii_digit())
}

/// Quote the `NaN`, `Infinity` and `-Infinity` that DuckDB writes inside of nested values.
fn quote_non_finite(json: &str) -> Cow<'_, str> {
    if !json.contains("NaN") && !json.contains("Infinity") {
        return Cow::from(json);
    }
    let mut valid = String::with_capacity(json.len() + 8);
    let mut rest = json;
    while let Some(character) = rest.chars().next() {
        let token_length = if character == '"' {
            string_length(rest)
        } else {
            let name = ["NaN", "-Infinity", "Infinity"]
                .into_iter()
                .find(|name| rest.starts_with(name));
            if let Some(name) = name {
                valid.push_str(&quote(name));
                rest = &rest[name.len()..];
                continue;
            }
            character.len_utf8()
        };
        valid.push_str(&rest[..token_length]);
        rest = &rest[token_length..];
    }
    Cow::from(valid)
}

/// The length in bytes of the JSON string that a text starts with.
fn string_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (position, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return position + 1,
            _ => {}
        }
    }
    json.len()
}

/// Write a text as a JSON string.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(quote("a\"b\\c\n\u{1}é"), "\"a\\\"b\\\\c\\n\\u0001é\"");
    }

    #[test]
    fn nested_values_are_made_valid() {
        assert_eq!(
            quote_non_finite(r#"{"NaN":"a\"NaN","l":[1.0,NaN,-Infinity]}"#),
            r#"{"NaN":"a\"NaN","l":[1.0,"NaN","-Infinity"]}"#
        );
        assert_eq!(quote_non_finite("[1,2]"), "[1,2]");
    }

    #[test]
    fn only_finite_numbers_are_bare() {
        assert!(is_json_number("-1.5e+300"));
        assert!(!is_json_number("-inf"));
        assert!(!is_json_number("nan"));
    }
}
