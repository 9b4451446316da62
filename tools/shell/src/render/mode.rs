//! The names of the output modes.

use std::str::FromStr;

use crate::error::ShellError;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Box,
    Column,
    Csv,
    Duckbox,
    Html,
    Insert,
    Json,
    JsonLines,
    Line,
    List,
    Markdown,
    Quote,
    Table,
    Tabs,
    Trash,
}

impl Mode {
    /// Every mode, in the order of their names.
    pub const ALL: [Self; 15] = [
        Self::Box,
        Self::Column,
        Self::Csv,
        Self::Duckbox,
        Self::Html,
        Self::Insert,
        Self::Json,
        Self::JsonLines,
        Self::Line,
        Self::List,
        Self::Markdown,
        Self::Quote,
        Self::Table,
        Self::Tabs,
        Self::Trash,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Column => "column",
            Self::Csv => "csv",
            Self::Duckbox => "duckbox",
            Self::Html => "html",
            Self::Insert => "insert",
            Self::Json => "json",
            Self::JsonLines => "jsonlines",
            Self::Line => "line",
            Self::List => "list",
            Self::Markdown => "markdown",
            Self::Quote => "quote",
            Self::Table => "table",
            Self::Tabs => "tabs",
            Self::Trash => "trash",
        }
    }

    /// The separator that choosing the mode sets, if it uses one.
    pub fn column_separator(self) -> Option<&'static str> {
        match self {
            Self::Csv | Self::Quote => Some(","),
            Self::List => Some("|"),
            Self::Tabs => Some("\t"),
            _ => None,
        }
    }

    /// Tell whether EXPLAIN shows its plan as drawn; the modes that programs read keep its rows.
    pub fn shows_plans_as_text(self) -> bool {
        matches!(
            self,
            Self::Box | Self::Column | Self::Duckbox | Self::Line | Self::List | Self::Table | Self::Tabs
        )
    }
}

impl FromStr for Mode {
    type Err = ShellError;

    fn from_str(name: &str) -> Result<Self, ShellError> {
        let lower = name.to_ascii_lowercase();
        let singular = lower.strip_suffix('s').unwrap_or(&lower);
        let found = Self::ALL
            .into_iter()
            .find(|mode| mode.name() == lower || mode.name() == singular);
        found.ok_or_else(|| ShellError::UnknownMode {
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse::<Mode>().expect("a name is known"), mode);
        }
        assert_eq!("columns".parse::<Mode>().expect("the plural is known"), Mode::Column);
    }

    #[test]
    fn an_unknown_mode_lists_the_known_ones() {
        let error = "fancy".parse::<Mode>().expect_err("there is no such mode").to_string();
        assert!(error.contains("\"fancy\"") && error.contains("jsonlines"), "{error}");
    }
}
