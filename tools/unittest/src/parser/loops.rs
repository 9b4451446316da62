//! The headers of loops: their variables and the values these take.

use super::ParseErrorKind;
use crate::script::Loop;

const SIGNED: &[&str] = &["tinyint", "smallint", "integer", "bigint", "hugeint"];
const UNSIGNED: &[&str] = &["utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"];
const FLOATING: &[&str] = &["float", "double"];
const OTHER: &[&str] = &["bool", "interval", "varchar"];
const COMPRESSION: &[&str] = &[
    "none",
    "uncompressed",
    "rle",
    "bitpacking",
    "dictionary",
    "fsst",
    "alp",
    "alprd",
];

/// Parses the header of a loop, with an empty body.
pub fn header(directive: &str, parameters: &[&str]) -> Result<Loop, ParseErrorKind> {
    let concurrent = directive.starts_with("concurrent");
    let (names, iterations) = if directive.ends_with("foreach") {
        each(parameters)?
    } else {
        range(parameters)?
    };
    if iterations.is_empty() {
        return Err(ParseErrorKind::EmptyLoop);
    }
    Ok(Loop {
        names,
        iterations,
        concurrent,
        body: Vec::new(),
    })
}

type Iterations = (Vec<String>, Vec<Vec<String>>);

/// `loop i 0 10`: the end is not included.
fn range(parameters: &[&str]) -> Result<Iterations, ParseErrorKind> {
    let &[name, start, end] = parameters else {
        return Err(ParseErrorKind::Usage("loop VARIABLE START END"));
    };
    let number = |text: &str| {
        text.parse::<i64>()
            .map_err(|_| ParseErrorKind::NotANumber(text.to_owned()))
    };
    let iterations = (number(start)?..number(end)?)
        .map(|value| vec![value.to_string()])
        .collect();
    Ok((vec![name.to_owned()], iterations))
}

/// `foreach type integer varchar`, `foreach a,b 1,2 3,4`, `foreach type <numeric> !float`
fn each(parameters: &[&str]) -> Result<Iterations, ParseErrorKind> {
    let Some((iterator, tokens)) = parameters.split_first().filter(|(_, tokens)| !tokens.is_empty()) else {
        return Err(ParseErrorKind::Usage("foreach VARIABLE VALUE…"));
    };
    let mut values: Vec<String> = Vec::new();
    for &token in tokens {
        match token
            .strip_prefix('!')
            .and_then(|removed| values.iter().position(|value| value == removed))
        {
            Some(position) => drop(values.remove(position)),
            None if token.starts_with('<') && token.ends_with('>') => {
                values.extend(collection(token)?.iter().map(|value| (*value).to_owned()));
            }
            None => values.push(token.to_owned()),
        }
    }
    let names: Vec<String> = iterator.split(',').map(str::to_owned).collect();
    let iterations = values
        .iter()
        .map(|value| split(value, names.len()))
        .collect::<Result<_, _>>()?;
    Ok((names, iterations))
}

fn split(value: &str, names: usize) -> Result<Vec<String>, ParseErrorKind> {
    if names == 1 {
        return Ok(vec![value.to_owned()]);
    }
    let parts: Vec<String> = value.split(',').map(str::to_owned).collect();
    if parts.len() == names {
        Ok(parts)
    } else {
        Err(ParseErrorKind::IteratorMismatch {
            names,
            value: value.to_owned(),
            values: parts.len(),
        })
    }
}

fn collection(token: &str) -> Result<Vec<&'static str>, ParseErrorKind> {
    let parts: &[&[&str]] = match token.to_ascii_lowercase().as_str() {
        "<signed>" => &[SIGNED],
        "<unsigned>" => &[UNSIGNED],
        "<integral>" => &[SIGNED, UNSIGNED],
        "<numeric>" => &[SIGNED, UNSIGNED, FLOATING],
        "<alltypes>" => &[SIGNED, UNSIGNED, FLOATING, OTHER],
        "<compression>" => &[COMPRESSION],
        _ => return Err(ParseErrorKind::UnknownCollection(token.to_owned())),
    };
    Ok(parts.concat())
}
