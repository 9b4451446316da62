//! SQL that the shell itself runs for its commands.

use crate::bridge::{ChunkFormat, Session};
use crate::error::ShellError;

/// A row of texts, `None` for NULL.
pub type TextRow = Vec<Option<String>>;

/// Write a text as a SQL string literal.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Write a name as a quoted SQL identifier.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Run statements for their effect.
pub fn run(session: &Session, sql: &str) -> Result<(), ShellError> {
    query(session, sql).map(drop)
}

/// Run statements and collect the rows of all of them. Only for results known to be small.
pub fn query(session: &Session, sql: &str) -> Result<Vec<TextRow>, ShellError> {
    let mut rows = Vec::new();
    let mut statements = session.statements(sql)?;
    while let Some(statement) = statements.next()? {
        let mut query = session.submit(statement)?;
        let column_count = query.columns().names.len();
        while let Some(chunk) = query.next_chunk(ChunkFormat::Text)? {
            for row in 0..chunk.row_count() {
                let values = (0..column_count).map(|column| chunk.value(column, row));
                rows.push(values.map(|value| value.map(|text| text.into_owned())).collect());
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_identifier("a\"b"), "\"a\"\"b\"");
    }
}
