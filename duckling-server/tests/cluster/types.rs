//! Rows of every type arrive as they were sent.

use duckling_server::cluster::execution::Exchange::{Broadcast, Gather, Shuffle};

use crate::fixture::{StageParts, assert_same, query, stage, with_cluster};

/// A row of values for each type, and one of NULLs; a type that Arrow cannot name in each column.
const VALUES: &str = "
    SELECT range AS c0,
        CASE WHEN range % 5 > 0 THEN (range * 170141183460469231731687303715884105::HUGEINT) END AS c1,
        CASE WHEN range % 5 > 0 THEN range::UHUGEINT END AS c2,
        CASE WHEN range % 5 > 0 THEN (['a', 'b', 'ä'])[range % 3 + 1]::ENUM('a', 'b', 'ä') END AS c3,
        CASE WHEN range % 5 > 0 THEN INTERVAL (range) MONTH + INTERVAL (range) MICROSECOND END AS c4,
        CASE WHEN range % 5 > 0 THEN md5(range::VARCHAR)::UUID END AS c5,
        CASE WHEN range % 5 > 0 THEN [{'a': range, 'b': ['x', NULL]}, NULL] END AS c6,
        CASE WHEN range % 5 > 0 THEN MAP {range::VARCHAR: [range::HUGEINT]} END AS c7,
        CASE WHEN range % 5 > 0 THEN [range, 1, NULL]::INTEGER[3] END AS c8,
        CASE WHEN range % 5 > 0 THEN range::DECIMAL(38, 10) / 3 END AS c9,
        CASE WHEN range % 5 > 0 THEN (range / 100)::DECIMAL(9, 2) END AS c10,
        CASE WHEN range % 5 > 0 THEN TIMESTAMPTZ '2024-02-29 12:00:00+00' + INTERVAL (range) HOUR END AS c11,
        CASE WHEN range % 5 > 0 THEN '12:34:56+02'::TIMETZ END AS c12,
        CASE WHEN range % 5 > 0 THEN '2024-02-29 12:00:00'::TIMESTAMP_S END AS c13,
        CASE WHEN range % 5 > 0 THEN '2024-02-29 12:00:00.123456789'::TIMESTAMP_NS END AS c14,
        CASE WHEN range % 5 > 0 THEN '\\x00\\xFF'::BLOB END AS c15,
        CASE WHEN range % 5 > 0 THEN '0101'::BIT END AS c16,
        CASE WHEN range % 5 > 0 THEN union_value(num := range)::UNION(num BIGINT, str VARCHAR) END AS c17,
        CASE WHEN range % 5 > 0 THEN '123456789012345678901234567890'::BIGNUM END AS c18,
        CASE WHEN range % 5 > 0 THEN '{\"a\": 1}'::JSON END AS c19,
        CASE WHEN range % 5 > 0 THEN ['a', 'b']::ENUM('a', 'b')[] END AS c20,
        CASE WHEN range % 5 > 0 THEN DATE '2024-02-29' END AS c21,
        CASE WHEN range % 5 > 0 THEN 'infinity'::DATE END AS c22,
        CASE WHEN range % 5 > 0 THEN range % 2 = 0 END AS c23,
        CASE WHEN range % 5 > 0 THEN 'nan'::DOUBLE END AS c24,
        NULL AS c25
    FROM range({task}, 100, {tasks})";

#[test]
fn types_survive_every_exchange() {
    with_cluster(2, |cluster| {
        let stages = vec![
            stage(2, "SELECT *, hash(c0) AS h FROM s").scan("s", VALUES).hashed(),
            stage(2, "SELECT * EXCLUDE (h) FROM i").input("i", 0, Shuffle),
            stage(1, "SELECT * FROM i").input("i", 1, Broadcast),
            stage(1, "SELECT * FROM i ORDER BY c0").input("i", 2, Gather),
        ];
        assert_eq!(assert_same(cluster, query(stages)).num_rows(), 100);
    });
}

#[test]
fn rows_that_are_not_as_planned_are_refused() {
    with_cluster(1, |cluster| {
        let planned = "SELECT 'a'::ENUM('a', 'b') AS c0";
        let actual = "SELECT 'a'::ENUM('a', 'c') AS c0";
        let mut query = query(vec![stage(1, planned)]);
        query.stages[0].sql = actual.to_string();
        let error = cluster.run(query).expect_err("the values have other meanings");
        assert_eq!(error.class, "INTERNAL");
        assert!(error.message.contains("not as planned"), "{error}");
    });
}
