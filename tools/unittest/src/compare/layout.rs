//! The layout of expected values: one value per line, one row per line with tabs, or rows from a file.

use super::is_hash;

/// What a test expects, before it is cut into rows.
pub enum Expected {
    /// The lines of the test file.
    Lines(Vec<String>),
    /// Rows read from a `<FILE>:`.
    Rows(Vec<Vec<String>>),
}

#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("row {row} of the expected result has {actual} values separated by tabs, not {expected}")]
    Split { row: usize, expected: usize, actual: usize },
    #[error("{values} expected values cannot be cut into rows of {columns} columns")]
    NotDivisible { values: usize, columns: usize },
}

impl Expected {
    /// Whether nothing is expected, which a query with a label may leave open.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.is_empty(),
            Self::Rows(rows) => rows.is_empty(),
        }
    }

    pub fn as_hash(&self) -> Option<&str> {
        match self {
            Self::Lines(lines) => match lines.as_slice() {
                [line] if is_hash(line) => Some(line),
                _ => None,
            },
            Self::Rows(_) => None,
        }
    }

    /// Cuts the values into rows.
    ///
    /// As in DuckDB's runner a line is a row when there are as many lines as rows in the result, or when every line
    /// has a tab.
    ///
    /// # Errors
    /// When the values do not fill rows of `columns` values.
    pub fn rows(&self, columns: usize, actual_rows: usize) -> Result<Vec<Vec<String>>, LayoutError> {
        let lines = match self {
            Self::Rows(rows) => return Ok(rows.clone()),
            Self::Lines(lines) => lines,
        };
        let row_wise = columns > 1 && (lines.len() == actual_rows || lines.iter().all(|line| line.contains('\t')));
        if row_wise {
            return lines
                .iter()
                .enumerate()
                .map(|(row, line)| split(row, line, columns))
                .collect();
        }
        if columns == 0 || !lines.len().is_multiple_of(columns) {
            return Err(LayoutError::NotDivisible {
                values: lines.len(),
                columns,
            });
        }
        Ok(lines.chunks(columns).map(<[String]>::to_vec).collect())
    }
}

fn split(row: usize, line: &str, columns: usize) -> Result<Vec<String>, LayoutError> {
    let values: Vec<String> = line.split('\t').map(str::to_owned).collect();
    if values.len() == columns {
        Ok(values)
    } else {
        Err(LayoutError::Split {
            row: row + 1,
            expected: columns,
            actual: values.len(),
        })
    }
}
