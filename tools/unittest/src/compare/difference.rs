//! The difference between two results, drawn by the `sqllogictest` crate.

use sqllogictest::TestErrorKind;

/// Rows shown before the first difference, and from there on.
const ROWS_BEFORE: usize = 3;
const ROWS_AFTER: usize = 20;

/// Draws the rows around the first difference.
pub fn show(sql: &str, expected: &[Vec<String>], actual: &[Vec<String>]) -> String {
    let same = expected
        .iter()
        .zip(actual)
        .take_while(|(expected, actual)| expected == actual)
        .count();
    let start = same.saturating_sub(ROWS_BEFORE);
    let window = |rows: &[Vec<String>]| {
        let end = rows.len().min(same + ROWS_AFTER);
        let mut lines: Vec<String> = rows[start..end].iter().map(|row| row.join("\t")).collect();
        if start > 0 {
            lines.insert(0, format!("… {start} rows"));
        }
        if end < rows.len() {
            lines.push(format!("… {} rows", rows.len() - end));
        }
        lines.join("\n")
    };
    let drawn = TestErrorKind::QueryResultMismatch {
        sql: sql.to_owned(),
        expected: window(expected),
        actual: window(actual),
    };
    format!(
        "{drawn}\nfirst difference in row {}; {} rows expected, {} returned",
        same + 1,
        expected.len(),
        actual.len()
    )
}
