//! Files that must fail.

use crate::fixture::{must_fail, must_pass};

#[test]
fn a_statement_that_fails() {
    must_fail(
        "statement ok\nSELECT 1\n\nstatement ok\nSELECT *\nFROM missing\n",
        &[
            "case.test:4: the SQL failed",
            "Table with name missing does not exist",
            "[SQL] SELECT *\n    FROM missing",
        ],
    );
}

#[test]
fn a_statement_that_should_fail_and_does_not() {
    must_fail(
        "statement error\nSELECT 1\n----\nno way\n",
        &[
            "case.test:1: the SQL should fail, but it succeeded",
            "[Expected error] no way",
        ],
    );
}

#[test]
fn an_error_with_another_message() {
    must_fail(
        "statement error\nSELECT x\n----\nno way\n",
        &["case.test:1: wrong error", "no way", "Binder Error"],
    );
    must_fail(
        "statement error\nSELECT x\n----\n<REGEX>:.*no way.*\n",
        &["case.test:1: wrong error"],
    );
    must_fail(
        "statement error\nSELECT x\n----\n<!REGEX>:.*Binder.*\n",
        &["case.test:1: wrong error"],
    );
    must_fail(
        "statement maybe\nSELECT x\n----\nno way\n",
        &["case.test:1: wrong error"],
    );
}

#[test]
fn an_error_that_is_never_expected() {
    must_fail(
        "statement error\nSELECT error('INTERNAL thing')\n----\nthing\n",
        &["case.test:1: this error is never expected"],
    );
}

#[test]
fn a_wrong_result() {
    must_fail(
        "query IT\nSELECT 1, 'actual'\n----\n1\texpected\n",
        &[
            "case.test:1:",
            "-   1\texpected",
            "+   1\tactual",
            "[SQL] SELECT 1, 'actual'",
        ],
    );
    must_fail("query I\nSELECT 1\n----\n2\n", &["-   2", "+   1"]);
    must_fail("query R\nSELECT 1.05::DOUBLE\n----\n1.0\n", &["-   1.0"]);
    must_fail("query I\nSELECT true\n----\nfalse\n", &["-   false"]);
    must_fail("query T\nSELECT 'abc'\n----\n<REGEX>:ab\n", &["-   <REGEX>:ab"]);
    must_fail("query I\nSELECT NULL\n----\n0\n", &["-   0", "+   NULL"]);
}

#[test]
fn a_wrong_order() {
    must_fail(
        "query I\nSELECT unnest([2, 1])\n----\n1\n2\n",
        &["first difference in row 1"],
    );
}

#[test]
fn a_wrong_number_of_rows() {
    must_fail(
        "query I\nSELECT unnest([1, 2])\n----\n1\n",
        &["1 rows expected, 2 returned", "+   2"],
    );
    must_fail(
        "query I\nSELECT 1 WHERE false\n----\n1\n",
        &["1 rows expected, 0 returned", "-   1"],
    );
    must_fail("query I\nSELECT 1\n----\n", &["0 rows expected, 1 returned"]);
}

#[test]
fn a_wrong_number_of_columns() {
    must_fail(
        "query I\nSELECT 1 AS a, 2 AS b\n----\n1\n2\n",
        &["expected 1 columns, got 2: a, b"],
    );
    must_fail(
        "query I\nSELECT 1, 2\n----\n2 values hashing to 6ddb4095eb719e2a9f0a3f95677d24e0\n",
        &["expected 1 columns, got 2"],
    );
}

#[test]
fn a_wrong_hash() {
    must_fail(
        "query I\nSELECT 1\n----\n1 values hashing to 00000000000000000000000000000000\n",
        &[
            "wrong hash",
            "expected: 1 values",
            "actual:   1 values hashing to b026324c6904b2a9cb4b88d6d61c81d1",
        ],
    );
}

#[test]
fn results_that_differ_under_one_label() {
    must_fail(
        "query I nosort q\nSELECT 1\n----\n\nquery I nosort q\nSELECT 2\n----\n",
        &[
            "case.test:5: the result differs from an earlier one with the label `q`",
            "-   1",
            "+   2",
        ],
    );
    must_fail("query I nosort q\nSELECT 1\n----\n2\n", &["case.test:1:", "-   2"]);
    must_fail("reset label q\n", &["there is no result with the label `q`"]);
}

#[test]
fn a_result_that_differs_from_its_file() {
    must_fail(
        "statement ok\nCOPY (SELECT 1 AS a) TO '__TEST_DIR__/e.csv' (HEADER, DELIMITER '|')\n\n\
         query I\nSELECT 2 AS a\n----\n<FILE>:__TEST_DIR__/e.csv\n",
        &["case.test:4:", "-   1", "+   2"],
    );
    must_fail(
        "query I\nSELECT 2 AS a\n----\n<FILE>:missing.csv\n",
        &["cannot read the expected result from missing.csv"],
    );
}

#[test]
fn a_failure_inside_loops_names_their_variables() {
    must_fail(
        "foreach t a b\n\nloop i 0 3\n\nquery I\nSELECT '${t}${i}' = 'b1'\n----\nfalse\n\nendloop\n\nendloop\n",
        &["case.test:5: [t=b] [i=1]"],
    );
}

#[test]
fn a_failure_on_another_thread() {
    must_fail(
        "concurrentloop i 0 4\n\nquery I\nSELECT ${i} = 2\n----\nfalse\n\nendloop\n\nstatement ok\nSELECT 1\n",
        &["case.test:3: [i=2]", "[SQL] SELECT 2 = 2"],
    );
}

#[test]
fn mistakes_in_the_file() {
    must_fail(
        "statement ok\nSELECT 1\n\nqeury I\nSELECT 1\n",
        &["case.test:4: unknown directive `qeury`"],
    );
    must_fail(
        "statement error\nSELECT x\n",
        &["case.test:1: `statement error` needs the expected error"],
    );
    must_fail(
        "query X\nSELECT 1\n----\n1\n",
        &["case.test:1: unknown column type `X`"],
    );
    must_fail(
        "loop i 0 2\n\nstatement ok\nSELECT 1\n",
        &["case.test:1: this loop has no `endloop`"],
    );
}

#[test]
fn restart_and_load_where_they_cannot_work() {
    must_fail("restart\n", &["case.test:1: an in-memory database cannot be restarted"]);
    must_fail(
        "load /somewhere/else.db\n",
        &["/somewhere/else.db is outside of the test directory"],
    );
    must_fail(
        "load __TEST_DIR__/missing.db readonly\n",
        &["case.test:1: cannot open the database"],
    );
}

#[test]
fn what_restart_closes_is_gone() {
    must_fail(
        "load __TEST_DIR__/a.db\n\nstatement ok\nCREATE TEMP TABLE t AS SELECT 1\n\nrestart\n\nstatement ok\nFROM t\n",
        &["case.test:8: the SQL failed"],
    );
}

#[test]
fn an_extension_that_is_not_there() {
    must_fail(
        "require duckherder\n",
        &["case.test:1: there is no extension at", "--extension"],
    );
}

#[test]
fn a_variable_that_is_defined_already() {
    must_fail(
        "test-env A b\n\ntest-env A c\n",
        &["case.test:3: `A` is already defined"],
    );
}

#[test]
fn a_condition_lets_the_others_run() {
    must_pass("loop i 0 3\n\nskipif i=1\nquery I\nSELECT ${i} = 1\n----\nfalse\n\nendloop\n");
    must_fail(
        "loop i 0 3\n\nonlyif i=1\nquery I\nSELECT ${i} = 1\n----\nfalse\n\nendloop\n",
        &["[i=1]"],
    );
}
