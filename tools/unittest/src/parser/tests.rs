//! What is understood, and what is refused, with its line.

use std::path::Path;
use std::time::Duration;

use super::parse;
use crate::script::{
    Command, CommandKind, Comparison, LoopCondition, OutputMode, Query, Requirement, SortMode, Statement,
    StatementOutcome,
};

fn commands(text: &str) -> Vec<Command> {
    parse(text, Path::new("t.test"))
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
        .commands
}

fn only(text: &str) -> CommandKind {
    let mut commands = commands(text);
    assert_eq!(commands.len(), 1, "{commands:?}");
    commands.remove(0).kind
}

fn refusal(text: &str) -> String {
    parse(text, Path::new("t.test")).expect_err(text).to_string()
}

fn query(text: &str) -> Query {
    match only(text) {
        CommandKind::Query(query) => query,
        other => panic!("not a query: {other:?}"),
    }
}

#[test]
fn statements_have_outcome_connection_and_lines() {
    let parsed = commands("# name: t\n\nstatement ok con1\nSELECT 1;\nSELECT 2;\n# note\n\nstatement ok\nSELECT 3");
    let sql: Vec<_> = parsed.iter().map(|command| (command.line, &command.kind)).collect();
    let statement = |connection: Option<&str>, sql: &str| {
        CommandKind::Statement(Statement {
            connection: connection.map(str::to_owned),
            sql: sql.to_owned(),
            expected: StatementOutcome::Success,
        })
    };
    assert_eq!(
        sql,
        [
            (3, &statement(Some("con1"), "SELECT 1;\nSELECT 2;")),
            (8, &statement(None, "SELECT 3"))
        ]
    );
}

#[test]
fn expected_errors_keep_their_lines_and_end_at_the_first_empty_one() {
    let parsed =
        commands("statement error\nSELECT x\n----\nBinder Error: no\n  x\n\nstatement maybe\nSELECT 1\n----\nmay");
    let outcomes: Vec<_> = parsed
        .into_iter()
        .map(|command| match command.kind {
            CommandKind::Statement(statement) => statement.expected,
            other => panic!("not a statement: {other:?}"),
        })
        .collect();
    let error = StatementOutcome::Error("Binder Error: no\n  x".to_owned());
    assert_eq!(outcomes, [error, StatementOutcome::Maybe("may".to_owned())]);
}

#[test]
fn queries_have_columns_sort_mode_connection_and_label() {
    let plain = query("query ITR\nSELECT 1\n----\n1\ta\t2.5\n");
    assert_eq!(
        (plain.column_count, plain.sort, plain.label),
        (3, SortMode::NoSort, None)
    );
    assert_eq!(plain.expected, ["1\ta\t2.5"]);
    let labelled = query("query I rowsort q1\nSELECT 1\n----\n");
    assert_eq!(
        (labelled.sort, labelled.label.as_deref()),
        (SortMode::RowSort, Some("q1"))
    );
    assert_eq!(query("query I sort\nSELECT 1\n----\n").sort, SortMode::RowSort);
    assert_eq!(query("query I valuesort\nSELECT 1\n----\n").sort, SortMode::ValueSort);
    let named = query("query I con2 q2\nSELECT 1\n----\n# a value, not a comment\n");
    assert_eq!(
        (named.connection.as_deref(), named.label.as_deref()),
        (Some("con2"), Some("q2"))
    );
    assert_eq!(named.expected, ["# a value, not a comment"]);
    assert!(query("query I\nSELECT 1 LIMIT 0").expected.is_empty());
}

#[test]
fn loops_nest_and_know_their_values() {
    let CommandKind::Loop(outer) =
        only("foreach a,b 1,x 2,y\n\nloop i 0 3\n\nstatement ok\nSELECT 1\n\nendloop\n\nendloop\n")
    else {
        panic!("not a loop");
    };
    assert_eq!(outer.names, ["a", "b"]);
    assert_eq!(outer.iterations, [["1", "x"], ["2", "y"]]);
    let CommandKind::Loop(inner) = &outer.body[0].kind else {
        panic!("not a loop")
    };
    assert_eq!(inner.iterations, [["0"], ["1"], ["2"]]);
    assert!(!inner.concurrent);
    assert_eq!(inner.body.len(), 1);
}

#[test]
fn collections_can_be_reduced() {
    let CommandKind::Loop(types) = only("concurrentforeach t <signed> varchar !hugeint\n\nendloop\n") else {
        panic!("not a loop");
    };
    assert!(types.concurrent);
    assert_eq!(
        types.iterations.concat(),
        ["tinyint", "smallint", "integer", "bigint", "varchar"]
    );
}

#[test]
fn conditions_belong_to_the_next_command() {
    let text = "loop i 0 9\n\nskipif i=3\nonlyif i>1 && i<=7\nstatement ok\nSELECT 1\n\nendloop\n";
    let CommandKind::Loop(header) = only(text) else {
        panic!("not a loop")
    };
    let condition = |comparison, value: &str, skip| LoopCondition {
        variable: "i".to_owned(),
        comparison,
        value: value.to_owned(),
        skip,
    };
    assert_eq!(
        header.body[0].conditions,
        [
            condition(Comparison::Equal, "3", true),
            condition(Comparison::Greater, "1", false),
            condition(Comparison::LessOrEqual, "7", false),
        ]
    );
}

#[test]
fn records_for_other_databases_are_left_out() {
    assert!(commands("skipif duckdb\nstatement ok\nSELECT 1\n\nonlyif mysql\nquery I\nSELECT 1\n----\n1\n").is_empty());
    assert_eq!(
        commands("onlyif duckdb\nstatement ok\nSELECT 1\n\nskipif mysql\nstatement ok\nSELECT 2\n").len(),
        2
    );
}

#[test]
fn skipped_parts_and_everything_after_halt_are_left_out() {
    let text = "mode skip\n\nstatement ok\nSELECT 1\n\nmode unskip\n\nreconnect\n\nhalt\n\nno such directive\n";
    assert_eq!(only(text), CommandKind::Reconnect);
}

#[test]
fn directives_of_one_line() {
    let owned = str::to_owned;
    let cases = [
        ("hash-threshold 8", CommandKind::HashThreshold(8)),
        (
            "require-env HOME",
            CommandKind::RequireEnv {
                name: owned("HOME"),
                value: None,
            },
        ),
        (
            "test-env A b",
            CommandKind::TestEnv {
                name: owned("A"),
                default: owned("b"),
            },
        ),
        (
            "restart",
            CommandKind::Restart {
                reload_extensions: true,
            },
        ),
        (
            "restart no_extension_load",
            CommandKind::Restart {
                reload_extensions: false,
            },
        ),
        (
            "load",
            CommandKind::Load {
                path: None,
                read_only: false,
                storage_version: None,
            },
        ),
        (
            "load a.db readonly v1.2.0",
            CommandKind::Load {
                path: Some(owned("a.db")),
                read_only: true,
                storage_version: Some(owned("v1.2.0")),
            },
        ),
        ("mode output_hash", CommandKind::OutputMode(OutputMode::Hash)),
        (
            "set ignore_error_messages one text, another",
            CommandKind::IgnoreErrorMessages(vec![owned("one text"), owned("another")]),
        ),
        (
            "set always_fail_error_messages",
            CommandKind::AlwaysFailErrorMessages(Vec::new()),
        ),
        ("set seed 0.5", CommandKind::Seed(owned("0.5"))),
        ("reset label q", CommandKind::ResetLabel(owned("q"))),
        ("sleep 2 milliseconds", CommandKind::Sleep(Duration::from_millis(2))),
        (
            "unzip a.db.gz NULL",
            CommandKind::Unzip {
                source: owned("a.db.gz"),
                target: None,
            },
        ),
        ("require duckling", CommandKind::Require(Requirement::Duckling)),
        ("require duckling_icu", CommandKind::Require(Requirement::DucklingIcu)),
        (
            "require ICU",
            CommandKind::Require(Requirement::Extension(owned("icu"))),
        ),
        (
            "require vector_size 2048",
            CommandKind::Require(Requirement::VectorSize(2048)),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(only(text), expected, "{text}");
    }
    assert!(commands("tags slow network\n").is_empty());
    for server in ["require duckling\n", "require duckling_icu\n"] {
        assert!(parse(server, Path::new("t")).unwrap().requires_duckling());
    }
}

#[test]
fn mistakes_are_refused_with_their_line() {
    let cases = [
        ("\n\nstatment ok\nSELECT 1", "t.test:3: unknown directive `statment`"),
        ("mode skip\n\nstatment ok", "t.test:3: unknown directive"),
        (
            "statement ok\nSELECT 1\n----\nx",
            "t.test:1: `statement ok` cannot have an expected error",
        ),
        (
            "statement error\nSELECT 1",
            "t.test:1: `statement error` needs the expected error",
        ),
        (
            "statement error\nSELECT 1\n----\n\n",
            "t.test:1: `statement error` needs the expected error",
        ),
        ("statement maybe\nSELECT 1", "`statement maybe` needs"),
        (
            "statement count 1\nSELECT 1",
            "expected `statement ok|error|maybe [CONNECTION]`",
        ),
        ("statement ok\n", "no SQL follows"),
        ("query\nSELECT 1", "expected `query TYPES"),
        ("query IX\nSELECT 1\n----\n1", "unknown column type `X`"),
        ("query error\nSELECT 1\n----\n1", "unknown column type `e`"),
        ("query I a b c\nSELECT 1", "expected `query TYPES"),
        (
            "require a\nrequire b",
            "t.test:1: `require` must be followed by an empty line",
        ),
        ("  \nstatement ok\nSELECT 1", "a line of white space"),
        (
            "loop i 0 3\n\nstatement ok\nSELECT 1\n",
            "t.test:1: this loop has no `endloop`",
        ),
        ("endloop\n", "`endloop` without a loop"),
        ("loop i 3 3\n\nendloop", "the loop runs zero times"),
        ("loop i a 3\n\nendloop", "`a` is not a whole number"),
        (
            "foreach a,b 1,2 3\n\nendloop",
            "the iterator has 2 names, but `3` has 1 values",
        ),
        ("foreach t <nothing>\n\nendloop", "unknown collection `<nothing>`"),
        (
            "onlyif i=1\nstatement ok\nSELECT 1",
            "`i` is not the variable of a surrounding loop",
        ),
        (
            "loop i 0 2\n\nonlyif i>x\nstatement ok\nSELECT 1\n\nendloop",
            "`skipif` and `onlyif` take",
        ),
        (
            "loop i 0 2\n\nrequire json\n\nendloop",
            "`require` must stand outside of loops",
        ),
        (
            "concurrentloop i 0 2\n\nrestart\n\nendloop",
            "`restart` cannot stand in a concurrent loop",
        ),
        (
            "concurrentloop i 0 2\n\nstatement ok con\nSELECT 1\n\nendloop",
            "its own connection",
        ),
        (
            "concurrentloop i 0 2\n\nconcurrentloop j 0 2\n\nendloop\n\nendloop",
            "cannot be nested",
        ),
        ("mode unskip", "`mode unskip` without `mode skip`"),
        ("mode loud", "unknown mode `loud`"),
        ("set volume 3", "unknown setting `volume`"),
        ("sleep 1 day", "unknown unit `day`"),
        ("hash-threshold many", "invalid number"),
        ("tags\n", "`tags` takes at least one tag"),
        ("statement ok\nSELECT 1\n\ntags late\n", "t.test:4: `tags`"),
        ("load a.db sideways", "expected `load"),
        ("require disk_space 1gb", "`require disk_space` is not supported"),
        ("require no_extension_autoloading", "needs an explanation"),
        ("require json 3", "expected `require NAME`"),
    ];
    for (text, expected) in cases {
        let refused = refusal(text);
        assert!(refused.contains(expected), "{text}\n gave {refused}\n not {expected}");
    }
}
