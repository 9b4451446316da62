//! Plain records, read by the parser of the `sqllogictest` crate.
//!
//! DuckDB's dialect differs from that crate's in three ways, which are translated here: a connection is named on the
//! `statement` or `query` line (the crate has a `connection` line), a record ends at a comment as well as at an empty
//! line, and an expected error ends at the first empty line (the crate's at the second).

use sqllogictest::{
    Connection, DefaultColumnType, ExpectedError, QueryExpect, Record, StatementExpect, parse_with_name,
};

use super::ParseErrorKind;
use super::lines::{Cursor, DELIMITER};
use crate::script::{CommandKind, Query, SortMode, Statement, StatementOutcome};

/// `statement ok|error|maybe [connection]`, its SQL and the expected error.
pub fn statement(cursor: &mut Cursor<'_>, parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    let (outcome, connection) = match parameters {
        [outcome @ ("ok" | "error" | "maybe")] => (*outcome, None),
        [outcome @ ("ok" | "error" | "maybe"), connection] => (*outcome, Some(*connection)),
        _ => return Err(ParseErrorKind::Usage("statement ok|error|maybe [CONNECTION]")),
    };
    cursor.advance();
    let sql = cursor.take_sql();
    if sql.is_empty() {
        return Err(ParseErrorKind::NoSql);
    }
    let error = cursor.take_expected();
    let text = match (outcome, &error) {
        ("ok", None) => plain_record(connection, "statement ok", &sql, None),
        ("ok", Some(_)) => return Err(ParseErrorKind::UnexpectedError),
        (_, Some(error)) if !error.is_empty() => plain_record(connection, "statement error", &sql, Some(error)),
        _ => return Err(ParseErrorKind::MissingError(outcome.to_owned())),
    };
    let Record::Statement {
        connection,
        sql,
        expected,
        ..
    } = parse_record(&text)?
    else {
        unreachable!("the text is a statement");
    };
    let expected = match (expected, outcome) {
        (StatementExpect::Error(ExpectedError::Multiline(error)), "maybe") => StatementOutcome::Maybe(error),
        (StatementExpect::Error(ExpectedError::Multiline(error)), _) => StatementOutcome::Error(error),
        _ => StatementOutcome::Success,
    };
    Ok(CommandKind::Statement(Statement {
        connection: connection_name(connection),
        sql,
        expected,
    }))
}

/// `query TYPES [sort mode | connection] [label]`, its SQL and the expected result.
pub fn query(cursor: &mut Cursor<'_>, parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    let (types, second, label) = match parameters {
        [types] => (*types, None, None),
        [types, second] => (*types, Some(*second), None),
        [types, second, label] => (*types, Some(*second), Some(*label)),
        _ => return Err(ParseErrorKind::Usage("query TYPES [SORT MODE | CONNECTION] [LABEL]")),
    };
    if let Some(unknown) = types.chars().find(|letter| !matches!(letter, 'T' | 'I' | 'R')) {
        return Err(ParseErrorKind::UnknownColumnType(unknown));
    }
    let (sort, connection) = match second {
        None => ("nosort", None),
        Some("sort") => ("rowsort", None),
        Some(sort @ ("nosort" | "rowsort" | "valuesort")) => (sort, None),
        Some(connection) => ("nosort", Some(connection)),
    };
    cursor.advance();
    let sql = cursor.take_sql();
    if sql.is_empty() {
        return Err(ParseErrorKind::NoSql);
    }
    let expected = cursor.take_expected().unwrap_or_default();
    let header = format!("query {types} {sort} {}", label.unwrap_or_default());
    let record = parse_record(&plain_record(connection, &header, &sql, Some(&expected)))?;
    let Record::Query {
        connection,
        sql,
        expected,
        ..
    } = record
    else {
        unreachable!("the text is a query");
    };
    let QueryExpect::Results {
        types,
        sort_mode,
        label,
        results,
        ..
    } = expected
    else {
        unreachable!("the types were checked, so the record expects rows");
    };
    Ok(CommandKind::Query(Query {
        connection: connection_name(connection),
        sql,
        column_count: types.len(),
        sort: sort_mode.unwrap_or(SortMode::NoSort),
        label,
        expected: results,
    }))
}

/// `hash-threshold N`
pub fn hash_threshold(cursor: &mut Cursor<'_>) -> Result<u64, ParseErrorKind> {
    match single_line(cursor)? {
        Record::HashThreshold { threshold, .. } => Ok(threshold),
        _ => Err(ParseErrorKind::Usage("hash-threshold NUMBER")),
    }
}

/// `halt`
pub fn halt(cursor: &mut Cursor<'_>) -> Result<(), ParseErrorKind> {
    match single_line(cursor)? {
        Record::Halt { .. } => Ok(()),
        _ => Err(ParseErrorKind::Usage("halt")),
    }
}

fn single_line(cursor: &mut Cursor<'_>) -> Result<Record<DefaultColumnType>, ParseErrorKind> {
    let record = parse_record(cursor.current())?;
    cursor.advance();
    Ok(record)
}

/// Writes a record in the crate's dialect.
fn plain_record(connection: Option<&str>, header: &str, sql: &[&str], expected: Option<&[&str]>) -> String {
    let connection = connection
        .map(|name| format!("connection {name}\n"))
        .unwrap_or_default();
    let expected = expected
        .map(|lines| format!("{DELIMITER}\n{}\n", lines.join("\n")))
        .unwrap_or_default();
    format!("{connection}{header}\n{}\n{expected}\n\n", sql.join("\n"))
}

fn parse_record(text: &str) -> Result<Record<DefaultColumnType>, ParseErrorKind> {
    let records = parse_with_name(text, "record").map_err(|error| ParseErrorKind::Record(error.kind()))?;
    let record = records
        .into_iter()
        .find(|record| !matches!(record, Record::Connection(_) | Record::Newline));
    Ok(record.expect("the text holds one record"))
}

fn connection_name(connection: Connection) -> Option<String> {
    match connection {
        Connection::Default => None,
        Connection::Named(name) => Some(name),
    }
}
