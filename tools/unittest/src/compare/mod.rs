//! Compares what a query returned with what the test expects. It runs no SQL: DuckDB's tolerance for numbers comes in
//! as a function.
//!
//! Sorting, hashes, regular expressions, booleans, and the layout of expected values follow DuckDB's runner, with three
//! differences, all stricter: the number of columns is checked for hashes too, a label does not switch off the
//! comparison with listed values, and neither does a hash threshold.

mod difference;
mod hash;
mod layout;
mod pattern;
#[cfg(test)]
mod tests;

pub use hash::{hash_of, is_hash};
pub use layout::{Expected, LayoutError};
pub use pattern::{InvalidRegex, error_matches};

use crate::database::{ColumnKind, Table};
use crate::script::SortMode;
use pattern::Pattern;

/// Why a result is not the expected one.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    #[error("expected {expected} columns, got {actual}: {names}")]
    ColumnCount {
        expected: usize,
        actual: usize,
        names: String,
    },
    #[error("wrong hash\nexpected: {expected}\nactual:   {actual}")]
    Hash { expected: String, actual: String },
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Regex(#[from] InvalidRegex),
    #[error("{0}")]
    Rows(String),
}

/// The names and kinds of a result's columns, and the rows in the order asked for.
pub struct Actual<'a> {
    pub columns: Vec<(&'a str, ColumnKind)>,
    pub rows: Vec<Vec<String>>,
}

impl<'a> Actual<'a> {
    pub fn new(table: &'a Table, sort: SortMode) -> Self {
        let columns = table
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.kind))
            .collect();
        Self {
            columns,
            rows: sorted(table.rows.clone(), sort),
        }
    }

    /// Checks the number of columns.
    ///
    /// # Errors
    /// [`Mismatch::ColumnCount`].
    pub fn check_columns(&self, expected: usize) -> Result<(), Mismatch> {
        if self.columns.len() == expected {
            return Ok(());
        }
        let names = self
            .columns
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ");
        Err(Mismatch::ColumnCount {
            expected,
            actual: self.columns.len(),
            names,
        })
    }

    /// Checks the rows against the expected values; `numbers_equal` gets the column and the two texts.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_rows(
        &self,
        expected: &Expected,
        sql: &str,
        numbers_equal: impl Fn(usize, &str, &str) -> bool,
    ) -> Result<(), Mismatch> {
        if let Some(expected) = expected.as_hash() {
            let actual = hash_of(&self.rows);
            return match expected == actual {
                true => Ok(()),
                false => Err(Mismatch::Hash {
                    expected: expected.to_owned(),
                    actual,
                }),
            };
        }
        let expected = expected.rows(self.columns.len(), self.rows.len())?;
        let mut shown = self.rows.clone();
        let mut equal = expected.len() == shown.len();
        for (expected, actual) in expected.iter().zip(&mut shown) {
            for (column, (expected, actual)) in expected.iter().zip(actual.iter_mut()).enumerate() {
                if value_matches(expected, actual, self.columns[column].1, |l, r| {
                    numbers_equal(column, l, r)
                })? {
                    // Both sides of the difference show one spelling, so that only real differences stand out.
                    actual.clone_from(expected);
                } else {
                    equal = false;
                }
            }
        }
        if equal {
            Ok(())
        } else {
            Err(Mismatch::Rows(difference::show(sql, &expected, &shown)))
        }
    }
}

fn sorted(mut rows: Vec<Vec<String>>, sort: SortMode) -> Vec<Vec<String>> {
    match sort {
        SortMode::NoSort => rows,
        SortMode::RowSort => {
            rows.sort_unstable();
            rows
        }
        SortMode::ValueSort => {
            let width = rows.first().map_or(1, Vec::len).max(1);
            let mut values: Vec<String> = rows.into_iter().flatten().collect();
            values.sort_unstable();
            values.chunks(width).map(<[String]>::to_vec).collect()
        }
    }
}

fn value_matches(
    expected: &str,
    actual: &str,
    kind: ColumnKind,
    numbers_equal: impl FnOnce(&str, &str) -> bool,
) -> Result<bool, InvalidRegex> {
    if expected == actual {
        return Ok(true);
    }
    if let Some(pattern) = Pattern::parse(expected)? {
        return Ok(pattern.accepts(actual));
    }
    Ok(match kind {
        _ if expected == "NULL" || actual == "NULL" => false,
        ColumnKind::Number => numbers_equal(actual, expected),
        ColumnKind::Boolean => boolean(expected).is_some_and(|expected| Some(expected) == boolean(actual)),
        ColumnKind::Other => false,
    })
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
