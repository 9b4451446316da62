//! TPC-H: its tables, its data, its 22 queries. Knows DuckDB, but neither server nor extension.

mod generate;
mod queries;
mod tables;

pub use generate::create_table;
pub use queries::{QUERIES, Query};
pub use tables::{TABLES, Table};

#[cfg(test)]
mod tests {
    use duckdb::Connection;

    use super::*;
    use crate::answer::{Answer, Verdict};

    #[test]
    fn every_query_runs_on_the_generated_tables() {
        let dir = tempfile::tempdir().expect("the temporary folder is writable");
        let connection = Connection::open_in_memory().expect("DuckDB opens");
        let rows =
            TABLES.map(|table| create_table(&connection, &table, 0.01, dir.path()).expect("the table is created"));
        // Source: TPC-H specification, section 4.2.5; lineitem as dbgen counts it at this scale.
        assert_eq!(rows, [5, 25, 100, 1_500, 2_000, 8_000, 15_000, 60_175]);
        assert_eq!(
            dir.path().read_dir().expect("the folder is readable").count(),
            0,
            "CSV files are deleted"
        );

        for query in &QUERIES {
            let answer =
                || Answer::of(&connection, query.sql).unwrap_or_else(|error| panic!("{}: {error}", query.name));
            assert_eq!(
                answer().compare(&answer(), query.order_by),
                Verdict::Identical,
                "{}",
                query.name
            );
        }
    }
}
