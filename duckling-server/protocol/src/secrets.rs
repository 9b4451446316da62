//! Statements as they may be kept and shown: without the secrets in them.

use std::borrow::Cow;

/// What stands in the place of a text that may be secret.
const HIDDEN: &str = "'***'";

/// The same SQL, with every text hidden in statements that may name a password, token or key: `CREATE SECRET`, `ATTACH`,
/// `SET`, `PRAGMA` and `COPY` with encryption.
pub fn without_secrets(sql: &str) -> Cow<'_, str> {
    let pieces = split(sql);
    if !pieces.iter().any(|piece| piece.is_text) {
        return Cow::Borrowed(sql);
    }
    let mut shown = String::with_capacity(sql.len());
    // Several statements may be in one text.
    for statement in pieces.split_inclusive(|piece| piece.text == ";") {
        let hides = may_hold_secrets(statement);
        for piece in statement {
            shown.push_str(if hides && piece.is_text { HIDDEN } else { piece.text });
        }
    }
    if shown == sql {
        Cow::Borrowed(sql)
    } else {
        Cow::Owned(shown)
    }
}

struct Piece<'a> {
    text: &'a str,
    is_text: bool,
    is_word: bool,
}

fn may_hold_secrets(statement: &[Piece<'_>]) -> bool {
    let words = || {
        statement
            .iter()
            .filter(|piece| piece.is_word)
            .map(|piece| piece.text.to_ascii_lowercase())
    };
    match words().next().as_deref() {
        Some("attach" | "set" | "pragma" | "reset" | "call") => true,
        Some("create" | "alter") => words().take(5).any(|word| word == "secret"),
        // EXPLAIN ATTACH, PREPARE … AS, COPY … (ENCRYPTION_CONFIG …)
        Some("explain" | "prepare" | "copy") => {
            words().any(|word| word == "attach" || word == "secret" || word.starts_with("encryption"))
        }
        _ => false,
    }
}

/// Cut SQL into texts, quoted names, comments, words, and single characters.
fn split(sql: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (len, is_text) = if first == '\'' {
            let escapes = pieces
                .last()
                .is_some_and(|piece: &Piece<'_>| piece.is_word && piece.text.eq_ignore_ascii_case("e"));
            (quoted(rest, '\'', escapes), true)
        } else if first == '"' {
            (quoted(rest, '"', false), false)
        } else if let Some(len) = dollar_quoted(rest) {
            (len, true)
        } else if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), false)
        } else if is_word(first) {
            (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), false)
        } else {
            (first.len_utf8(), false)
        };
        let (text, after) = rest.split_at(len);
        pieces.push(Piece {
            text,
            is_text,
            is_word: is_word(first),
        });
        rest = after;
    }
    pieces
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of what is quoted, quotes included; to the end if it does not end.
fn quoted(sql: &str, quote: char, escapes: bool) -> usize {
    let mut characters = sql.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if escapes && c == '\\' {
            characters.next();
        } else if c == quote {
            if characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return at + c.len_utf8();
            }
        }
    }
    sql.len()
}

/// Length of a text such as `$tag$…$tag$`, if one begins here.
fn dollar_quoted(sql: &str) -> Option<usize> {
    let rest = sql.strip_prefix('$')?;
    let tag_len = rest.find('$')?;
    if !rest[..tag_len].chars().all(is_word) || rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let tag = &sql[..tag_len + 2];
    let body = &sql[tag.len()..];
    Some(body.find(tag).map_or(sql.len(), |end| end + 2 * tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden() {
        let cases = [
            (
                "CREATE OR REPLACE PERSISTENT SECRET s (TYPE s3, SECRET 'it''s mine')",
                "CREATE OR REPLACE PERSISTENT SECRET s (TYPE s3, SECRET '***')",
            ),
            (
                "/* x */ attach 'a' as b (token 'c')",
                "/* x */ attach '***' as b (token '***')",
            ),
            ("SET s3_secret_access_key = 'k'", "SET s3_secret_access_key = '***'"),
            (
                "PRAGMA add_parquet_key('k', $$v$$)",
                "PRAGMA add_parquet_key('***', '***')",
            ),
            ("SELECT 'a;b'; ATTACH E'x\\'y' ", "SELECT 'a;b'; ATTACH E'***' "),
            ("ATTACH 'never ends", "ATTACH '***'"),
        ];
        for (sql, shown) in cases {
            assert_eq!(without_secrets(sql), shown);
        }
    }

    #[test]
    fn other_statements_stay_as_they_are() {
        let cases = [
            "UPDATE t SET secret = 'x' WHERE \"attach'\" = 'y'",
            "CREATE TABLE t AS SELECT 'secret' AS s",
            "SELECT $1, 'é', $a$b$a$ -- attach 'x'",
            "",
        ];
        for sql in cases {
            assert_eq!(without_secrets(sql), sql);
        }
    }
}
