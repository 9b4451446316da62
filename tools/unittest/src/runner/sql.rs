//! Runs one `statement` or `query` on a connection and judges it.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::context::{Context, Place};
use super::failure::{Cause, Stop};
use crate::compare::{self, Actual, Expected, Mismatch};
use crate::database::{Connection, Database, DatabaseError, Interrupts, OpenOptions, Table};
use crate::script::{OutputMode, Query, Statement, StatementOutcome};

/// Runs a statement.
pub fn statement(context: &Context, place: &Place, connection: &Connection, statement: &Statement) -> Result<(), Stop> {
    let sql = context.substitute(place, &statement.sql)?;
    let result = run(context, place, connection, &sql)?;
    let (expected, may_succeed) = match &statement.expected {
        StatementOutcome::Success => {
            return match result {
                Ok(_) => Ok(()),
                Err(error) => Err(unexpected_error(context, place, sql, error)),
            };
        }
        StatementOutcome::Error(expected) => (expected, false),
        StatementOutcome::Maybe(expected) => (expected, true),
    };
    let expected = context.substitute(place, expected)?;
    match result {
        Ok(_) if may_succeed => Ok(()),
        Ok(_) => Err(place.fail(Cause::UnexpectedSuccess { sql, expected })),
        Err(error) => judge_error(context, place, sql, expected, error),
    }
}

fn judge_error(
    context: &Context,
    place: &Place,
    sql: String,
    expected: String,
    error: DatabaseError,
) -> Result<(), Stop> {
    if context
        .forbidden_errors
        .iter()
        .any(|forbidden| error.0.contains(forbidden))
    {
        return Err(place.fail(Cause::ForbiddenError { sql, error }));
    }
    match compare::error_matches(&expected, &error.0) {
        Ok(true) => Ok(()),
        Ok(false) => match ignored(context, place, &error) {
            Some(skip) => Err(skip),
            None => Err(place.fail(Cause::WrongError {
                sql,
                expected,
                actual: error,
            })),
        },
        Err(invalid) => Err(place.fail(invalid.into())),
    }
}

/// Runs a query and compares its result.
pub fn query(context: &Context, place: &Place, connection: &Connection, query: &Query) -> Result<(), Stop> {
    let sql = context.substitute(place, &query.sql)?;
    let table = match run(context, place, connection, &sql)? {
        Ok(table) => table,
        Err(error) => return Err(unexpected_error(context, place, sql, error)),
    };
    let actual = Actual::new(&table, query.sort);
    print_hash(context, place, &actual);
    let wrong = |mismatch: Mismatch| match mismatch {
        Mismatch::Rows(_) => place.fail(Cause::WrongRows(mismatch)),
        _ => place.fail(Cause::WrongResult {
            sql: sql.clone(),
            mismatch,
        }),
    };
    actual.check_columns(query.column_count).map_err(wrong)?;
    let expected = expected_rows(context, place, query, &table)?;
    if query.label.is_none() || !expected.is_empty() {
        let numbers_equal =
            |column: usize, left: &str, right: &str| connection.numbers_equal(&table.columns[column], left, right);
        actual.check_rows(&expected, &sql, numbers_equal).map_err(wrong)?;
    }
    match &query.label {
        Some(label) => check_label(context, place, &sql, label, actual),
        None => Ok(()),
    }
}

fn run(
    context: &Context,
    place: &Place,
    connection: &Connection,
    sql: &str,
) -> Result<Result<Table, DatabaseError>, Stop> {
    if context.output == OutputMode::Debug {
        println!("{}:{}: {sql}", context.path.display(), place.line);
    }
    let result = connection.query(sql);
    context.check_time(place)?;
    if matches!(context.output, OutputMode::Debug | OutputMode::Result) {
        print_result(context, place, &result);
    }
    Ok(result)
}

fn unexpected_error(context: &Context, place: &Place, sql: String, error: DatabaseError) -> Stop {
    ignored(context, place, &error).unwrap_or_else(|| place.fail(Cause::UnexpectedError { sql, error }))
}

fn ignored(context: &Context, place: &Place, error: &DatabaseError) -> Option<Stop> {
    let message = context
        .ignored_errors
        .iter()
        .find(|message| error.0.contains(*message))?;
    Some(place.skip(format!("the file ignores errors with `{message}`: {error}")))
}

fn expected_rows(context: &Context, place: &Place, query: &Query, actual: &Table) -> Result<Expected, Stop> {
    let lines = query
        .expected
        .iter()
        .map(|line| context.substitute(place, line))
        .collect::<Result<Vec<_>, _>>()?;
    match lines.as_slice() {
        [line] => match line.strip_prefix("<FILE>:") {
            Some(path) => rows_from_file(context, place, PathBuf::from(path), actual),
            None => Ok(Expected::Lines(lines)),
        },
        _ => Ok(Expected::Lines(lines)),
    }
}

/// Reads a file of values separated by `|`, with a header, all of them text.
fn rows_from_file(context: &Context, place: &Place, path: PathBuf, actual: &Table) -> Result<Expected, Stop> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let columns: Vec<String> = actual
        .columns
        .iter()
        .map(|column| format!("{}: 'VARCHAR'", quoted(&column.name)))
        .collect();
    let sql = format!(
        "SELECT * FROM read_csv({}, header = true, sep = '|', columns = {{{}}}, auto_detect = false)",
        quoted(&path.to_string_lossy()),
        columns.join(", ")
    );
    let options = OpenOptions {
        state_directory: context.variables.test_dir().to_owned(),
        ..OpenOptions::default()
    };
    let read = || Database::open(&options, Interrupts::default())?.connect()?.query(&sql);
    match read() {
        Ok(table) => Ok(Expected::Rows(table.rows)),
        Err(source) => Err(place.fail(Cause::ExpectedFile { path, source })),
    }
}

fn check_label(context: &Context, place: &Place, sql: &str, label: &str, actual: Actual<'_>) -> Result<(), Stop> {
    let mut labels = context.labels.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(earlier) = labels.get(label) else {
        labels.insert(label.to_owned(), actual.rows);
        return Ok(());
    };
    match actual.check_rows(&Expected::Rows(earlier.clone()), sql, |_, _, _| false) {
        Ok(()) => Ok(()),
        Err(difference) => Err(place.fail(Cause::LabelMismatch {
            label: label.to_owned(),
            difference,
        })),
    }
}

fn print_hash(context: &Context, place: &Place, actual: &Actual<'_>) {
    if context.output == OutputMode::Hash {
        println!(
            "{}:{}: {}",
            context.path.display(),
            place.line,
            compare::hash_of(&actual.rows)
        );
    }
}

fn print_result(context: &Context, place: &Place, result: &Result<Table, DatabaseError>) {
    println!("{}:{}:", context.path.display(), place.line);
    match result {
        Ok(table) => table.rows.iter().for_each(|row| println!("{}", row.join("\t"))),
        Err(error) => println!("{error}"),
    }
}
