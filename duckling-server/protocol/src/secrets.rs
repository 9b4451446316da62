//! Statements as they may be kept and shown: without the secrets in them.

use std::borrow::Cow;

/// What stands in the place of a text that may be secret.
const HIDDEN: &str = "'***'";
/// What is longer is cut off.
const MAX_SHOWN_BYTES: usize = 16 << 10;

/// A statement as it may be kept and shown: cut off where it is very long, and without what may be secret in statements
/// that may name a password, token or key: `CREATE SECRET`, `ATTACH`, `SET`, `PRAGMA` and `COPY` with encryption.
pub fn shown_sql(sql: &str) -> String {
    // The rest is not looked at.
    without_secrets(&cut(sql)).into_owned()
}

/// The text of an error of `sql` as it may be kept and shown: DuckDB quotes statements in its errors.
pub fn shown_error(sql: &str, class: &str, text: &str) -> String {
    match without_secrets(&cut(sql)) {
        Cow::Borrowed(_) => cut(text).into_owned(),
        Cow::Owned(_) => format!("{class} Error: its text is not kept, as the statement may hold secrets"),
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_SHOWN_BYTES {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(MAX_SHOWN_BYTES)]))
}

/// The same SQL with everything hidden that may be secret; borrowed if that is nothing.
fn without_secrets(sql: &str) -> Cow<'_, str> {
    let pieces = split(sql);
    let mut shown = String::with_capacity(sql.len());
    let mut hides_any = false;
    // Several statements may be in one text.
    for statement in pieces.split_inclusive(|piece| piece.text == ";") {
        let mut hiding = Hiding::of(statement);
        for piece in statement {
            if hiding.hides(piece) {
                hides_any = true;
                shown.push_str(HIDDEN);
            } else {
                shown.push_str(piece.text);
            }
        }
    }
    if hides_any {
        Cow::Owned(shown)
    } else {
        Cow::Borrowed(sql)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comment,
    /// In single quotes or dollars
    Text,
    /// In double quotes; DuckDB also takes it for a text where it expects one
    Name,
    Word,
    Other,
}

struct Piece<'a> {
    text: &'a str,
    kind: Kind,
}

impl Piece<'_> {
    fn is_space(&self) -> bool {
        self.kind == Kind::Comment || self.text.chars().all(char::is_whitespace)
    }
}

/// What to hide of one statement, piece by piece. DuckDB takes texts without quotes as well, so what stays are the names of
/// options, numbers, and what is no value.
struct Hiding {
    /// The statement has secrets at all.
    is_needed: bool,
    /// `(NAME value, …)`, as opposed to `f(value, …)`.
    names_options: bool,
    /// How many brackets are open.
    depth: usize,
    /// The next word is the name of an option.
    at_name: bool,
    /// What follows is a value: after `=`, or the `TO` of SET.
    is_value: bool,
    is_setting: bool,
}

impl Hiding {
    fn of(statement: &[Piece<'_>]) -> Self {
        let words = || {
            statement
                .iter()
                .filter(|piece| piece.kind == Kind::Word)
                .map(|piece| piece.text.to_ascii_lowercase())
        };
        let first = words().next().unwrap_or_default();
        let is_needed = match first.as_str() {
            "attach" | "set" | "pragma" | "reset" | "call" => true,
            "create" | "alter" => words().take(5).any(|word| word == "secret"),
            // EXPLAIN ATTACH, PREPARE … AS, COPY … (ENCRYPTION_CONFIG …)
            "explain" | "prepare" | "copy" => {
                words().any(|word| word == "attach" || word == "secret" || word.starts_with("encryption"))
            }
            _ => false,
        };
        Self {
            is_needed,
            names_options: !matches!(first.as_str(), "set" | "pragma" | "call"),
            depth: 0,
            at_name: false,
            is_value: false,
            is_setting: matches!(first.as_str(), "set" | "pragma"),
        }
    }

    fn hides(&mut self, piece: &Piece<'_>) -> bool {
        if !self.is_needed || piece.is_space() {
            return false;
        }
        let at_name = std::mem::replace(&mut self.at_name, false);
        match (piece.kind, piece.text) {
            (Kind::Text | Kind::Name, _) => return true,
            (Kind::Word, word) => {
                if self.is_setting && self.depth == 0 && word.eq_ignore_ascii_case("to") {
                    self.is_value = true;
                    return false;
                }
                let is_plain = word.bytes().all(|byte| byte.is_ascii_digit())
                    || ["true", "false"].iter().any(|known| word.eq_ignore_ascii_case(known));
                return !is_plain && !at_name && (self.depth > 0 || self.is_value);
            }
            (_, "(" | "[" | "{") => {
                self.depth += 1;
                self.at_name = self.names_options && self.depth == 1;
            }
            (_, ")" | "]" | "}") => self.depth = self.depth.saturating_sub(1),
            (_, ",") => self.at_name = self.names_options && self.depth == 1,
            (_, "=") => self.is_value |= self.is_setting,
            _ => {}
        }
        false
    }
}

/// Cut SQL into texts, quoted names, comments, words, and single characters.
fn split(sql: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (len, kind) = if first == '\'' {
            let escapes = pieces
                .last()
                .is_some_and(|piece: &Piece<'_>| piece.kind == Kind::Word && piece.text.eq_ignore_ascii_case("e"));
            (quoted(rest, '\'', escapes), Kind::Text)
        } else if first == '"' {
            (quoted(rest, '"', false), Kind::Name)
        } else if let Some(len) = dollar_quoted(rest) {
            (len, Kind::Text)
        } else if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), Kind::Comment)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), Kind::Comment)
        } else if is_word(first) {
            (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), Kind::Word)
        } else {
            (first.len_utf8(), Kind::Other)
        };
        let (text, after) = rest.split_at(len);
        pieces.push(Piece { text, kind });
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
                "CREATE OR REPLACE PERSISTENT SECRET s (TYPE '***', SECRET '***')",
            ),
            // DuckDB takes them without quotes, or in those of a name
            (
                "CREATE SECRET (TYPE s3, KEY_ID abc, SECRET \"d e\", SCOPE [f, g], HEADERS map {h: i}, OTHER (j))",
                "CREATE SECRET (TYPE '***', KEY_ID '***', SECRET '***', SCOPE ['***', '***'], \
                 HEADERS '***' {'***': '***'}, OTHER ('***'))",
            ),
            (
                "ATTACH \"a?token=b\" AS c (READ_ONLY true, TOKEN d)",
                "ATTACH '***' AS c (READ_ONLY true, TOKEN '***')",
            ),
            ("SET password TO abc", "SET password TO '***'"),
            ("SET threads = 4; SET GLOBAL a=b", "SET threads = 4; SET GLOBAL a='***'"),
            ("CALL load_key(k)", "CALL load_key('***')"),
            (
                "COPY t TO 'f' (ENCRYPTION_CONFIG {footer_key: k}, COMPRESSION zstd)",
                "COPY t TO '***' (ENCRYPTION_CONFIG {'***': '***'}, COMPRESSION '***')",
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
    fn errors_quote_no_secrets() {
        let error = "syntax error at or near \"x\"\n\nLINE 1: CREATE SECRET s (TYPE http, BEARER_TOKEN abc x)";
        let shown = shown_error("CREATE SECRET s (TYPE http, BEARER_TOKEN abc x)", "Parser", error);
        assert!(shown.starts_with("Parser Error: ") && !shown.contains("abc"), "{shown}");
        assert_eq!(shown_error("SELECT abc x y", "Parser", error), error);
    }

    #[test]
    fn what_is_long_is_cut_off() {
        let long = format!("SELECT '{}'", "é".repeat(MAX_SHOWN_BYTES));
        let shown = shown_sql(&long);
        assert!(
            shown.len() <= MAX_SHOWN_BYTES + '…'.len_utf8() && shown.ends_with("é…"),
            "{shown}"
        );
        let long = format!("ATTACH '{}'", "é".repeat(MAX_SHOWN_BYTES));
        assert_eq!(shown_sql(&long), "ATTACH '***'");
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
