//! `<REGEX>:` and `<!REGEX>:`, in results and in expected errors.

use regex::Regex;

/// A regular expression that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("invalid regular expression `{text}`: {source}")]
pub struct InvalidRegex {
    text: String,
    #[source]
    source: Box<regex::Error>,
}

/// A regular expression over a whole value; the dot matches line ends too.
pub struct Pattern {
    regex: Regex,
    negated: bool,
}

impl Pattern {
    /// Reads an expected value; `None` when it is not a regular expression.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidRegex> {
        let (pattern, negated) = match (text.strip_prefix("<REGEX>:"), text.strip_prefix("<!REGEX>:")) {
            (Some(pattern), _) => (pattern, false),
            (_, Some(pattern)) => (pattern, true),
            _ => return Ok(None),
        };
        let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|source| InvalidRegex {
            text: pattern.to_owned(),
            source: Box::new(source),
        })?;
        Ok(Some(Self { regex, negated }))
    }

    pub fn accepts(&self, text: &str) -> bool {
        self.regex.is_match(text) != self.negated
    }
}

/// Tells whether an error is the expected one: it contains the text, or matches the regular expression.
///
/// # Errors
/// When the regular expression is invalid.
pub fn error_matches(expected: &str, actual: &str) -> Result<bool, InvalidRegex> {
    Ok(actual.contains(expected) || Pattern::parse(expected)?.is_some_and(|pattern| pattern.accepts(actual)))
}
