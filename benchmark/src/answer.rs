//! Results of a query, and whether two of them are the same.

use std::fmt::{self, Display};

use anyhow::Result;
use duckdb::Connection;
use duckdb::types::Value;

/// How far two DOUBLEs may lie apart, relative to the larger one, and still pass as rounding.
const ROUNDING: f64 = 1e-12;

/// A whole result. Columns are `(name, Arrow type)`.
pub struct Answer {
    columns: Vec<(String, String)>,
    rows: Vec<Vec<Value>>,
}

/// What the comparison of two answers found.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Same columns, types, values and order.
    Identical,
    /// Same rows; those that agree in every ORDER BY column came in another order, which the query leaves open.
    TiesReordered,
    /// Same but for the last digits of a DOUBLE.
    Rounded,
    /// Anything else: the first difference.
    Different(String),
}

impl Verdict {
    /// Whether the answers count as the same.
    pub fn is_identical(&self) -> bool {
        !matches!(self, Verdict::Different(_))
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Identical => write!(f, "identical"),
            Verdict::TiesReordered => write!(f, "identical, ties in another order"),
            Verdict::Rounded => write!(f, "identical to {ROUNDING:e} (DOUBLE)"),
            Verdict::Different(difference) => write!(f, "DIFFERENT: {difference}"),
        }
    }
}

impl Answer {
    /// Run a query and keep all rows.
    ///
    /// # Errors
    /// The query fails.
    pub fn of(connection: &Connection, sql: &str) -> Result<Self> {
        let mut statement = connection.prepare(sql)?;
        let mut result = statement.query([])?;
        let schema = result.as_ref().expect("a fresh result has its statement").schema();
        let columns: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| (field.name().clone(), field.data_type().to_string()))
            .collect();
        let mut rows = Vec::new();
        while let Some(row) = result.next()? {
            rows.push(
                (0..columns.len())
                    .map(|column| row.get(column))
                    .collect::<duckdb::Result<_>>()?,
            );
        }
        Ok(Self { columns, rows })
    }

    /// Compare with the answer of another engine to the same query. `order_by`: see [`crate::tpch::Query`].
    pub fn compare(&self, other: &Self, order_by: &[usize]) -> Verdict {
        if self.columns != other.columns {
            return Verdict::Different(format!("columns {:?} and {:?}", self.columns, other.columns));
        }
        if self.rows.len() != other.rows.len() {
            return Verdict::Different(format!("{} and {} rows", self.rows.len(), other.rows.len()));
        }
        if self.rows == other.rows {
            return Verdict::Identical;
        }
        let differing = self
            .rows
            .iter()
            .zip(&other.rows)
            .position(|(left, right)| !close_rows(left, right));
        let Some(row) = differing else {
            return Verdict::Rounded;
        };
        if self.sort_keys(order_by) == other.sort_keys(order_by) && self.sorted() == other.sorted() {
            return Verdict::TiesReordered;
        }
        Verdict::Different(format!(
            "row {} is {:?} and {:?}",
            row + 1,
            self.rows[row],
            other.rows[row]
        ))
    }

    fn sort_keys(&self, order_by: &[usize]) -> Vec<Vec<&Value>> {
        self.rows
            .iter()
            .map(|row| order_by.iter().map(|&column| &row[column]).collect())
            .collect()
    }

    /// All rows in an order that depends on nothing but their values.
    fn sorted(&self) -> Vec<String> {
        let mut rows: Vec<String> = self.rows.iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        rows
    }
}

fn close_rows(left: &[Value], right: &[Value]) -> bool {
    left.iter().zip(right).all(|(left, right)| match (left, right) {
        (Value::Double(left), Value::Double(right)) => {
            left == right || (left - right).abs() <= ROUNDING * left.abs().max(right.abs())
        }
        _ => left == right,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(sql: &str) -> Answer {
        let connection = Connection::open_in_memory().expect("DuckDB opens");
        Answer::of(&connection, sql).expect("the query runs")
    }

    fn verdict(left: &str, right: &str, order_by: &[usize]) -> Verdict {
        answer(left).compare(&answer(right), order_by)
    }

    #[test]
    fn equal_results_are_identical() {
        let sql = "SELECT i, i::DECIMAL(15,2) AS d, NULL::VARCHAR AS n FROM range(10) t(i) ORDER BY i";
        assert_eq!(verdict(sql, sql, &[0]), Verdict::Identical);
    }

    #[test]
    fn another_order_of_ties_is_told_from_another_order() {
        let left = "SELECT * FROM (VALUES (1, 'a'), (1, 'b'), (2, 'c')) t(k, v)";
        let ties = "SELECT * FROM (VALUES (1, 'b'), (1, 'a'), (2, 'c')) t(k, v)";
        let keys = "SELECT * FROM (VALUES (2, 'c'), (1, 'b'), (1, 'a')) t(k, v)";
        assert_eq!(verdict(left, ties, &[0]), Verdict::TiesReordered);
        assert!(matches!(verdict(left, keys, &[0]), Verdict::Different(_)));
    }

    #[test]
    fn rounding_is_told_from_another_value() {
        assert_eq!(
            verdict("SELECT 0.3::DOUBLE AS x", "SELECT 0.1::DOUBLE + 0.2::DOUBLE AS x", &[]),
            Verdict::Rounded
        );
        assert!(!verdict("SELECT 0.3::DOUBLE AS x", "SELECT 0.3001::DOUBLE AS x", &[]).is_identical());
    }

    #[test]
    fn names_types_and_row_counts_count() {
        assert!(!verdict("SELECT 1 AS a", "SELECT 1 AS b", &[]).is_identical());
        assert!(!verdict("SELECT 1 AS a", "SELECT 1::BIGINT AS a", &[]).is_identical());
        assert!(!verdict("SELECT 1 AS a", "SELECT 1 AS a FROM range(2)", &[]).is_identical());
    }
}
