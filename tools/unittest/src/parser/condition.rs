//! `skipif` and `onlyif`: other databases, and conditions on loop variables.

use super::ParseErrorKind;
use crate::script::{Comparison, LoopCondition};

pub enum Condition {
    /// A database system, ours or another.
    System { ours: bool },
    /// All of these must let the command through.
    Loop(Vec<LoopCondition>),
}

/// The longer spellings come first, so that `<` is not found inside `<>`.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("<>", Comparison::NotEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    ("<", Comparison::Less),
    ("=", Comparison::Equal),
];

/// Parses what follows `skipif` or `onlyif`.
pub fn parse(text: &str, skip: bool) -> Result<Condition, ParseErrorKind> {
    if !text.contains(['=', '<', '>']) {
        return match text {
            "" => Err(ParseErrorKind::BadCondition),
            system => Ok(Condition::System {
                ours: system.eq_ignore_ascii_case("duckdb"),
            }),
        };
    }
    text.split("&&")
        .map(|part| comparison(part, skip))
        .collect::<Result<_, _>>()
        .map(Condition::Loop)
}

fn comparison(text: &str, skip: bool) -> Result<LoopCondition, ParseErrorKind> {
    let found = COMPARISONS
        .iter()
        .find_map(|&(sign, comparison)| Some((text.split_once(sign)?, comparison)));
    let ((variable, value), comparison) = found.ok_or(ParseErrorKind::BadCondition)?;
    let (variable, value) = (variable.trim(), value.trim());
    let by_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    if variable.is_empty() || value.is_empty() || by_order && value.parse::<i64>().is_err() {
        return Err(ParseErrorKind::BadCondition);
    }
    Ok(LoopCondition {
        variable: variable.to_owned(),
        comparison,
        value: value.to_owned(),
        skip,
    })
}
