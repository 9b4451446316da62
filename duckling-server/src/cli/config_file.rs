//! The configuration file: TOML whose keys are the flags, turned into the flags that it stands for.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Arguments, CliError, one_line};

/// One key of the file.
pub struct Setting {
    /// Of the flag that it stands for.
    pub id: String,
    /// What the command line would say.
    pub arguments: Vec<OsString>,
}

/// Read a file.
///
/// # Errors
/// `UnreadableFile`; `File` for a line that is not TOML, a key that is no flag, or a value that the flag does not take.
pub fn read(path: &Path) -> Result<Vec<Setting>, CliError> {
    let text = fs::read_to_string(path).map_err(|source| CliError::UnreadableFile {
        path: path.to_path_buf(),
        source,
    })?;
    let fail = |offset: usize, reason: String| CliError::File {
        path: path.to_path_buf(),
        line: line_of(&text, offset),
        reason,
    };
    let table = DeTable::parse(&text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let place = text.get(span.clone()).unwrap_or_default();
        let reason = format!("{} {place}", error.message());
        fail(span.start, reason.split_whitespace().collect::<Vec<_>>().join(" "))
    })?;
    let command = Arguments::command();
    let mut settings = Vec::new();
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        let setting = setting(&command, name, value).map_err(|reason| fail(key.span().start, reason))?;
        settings.push(setting);
    }
    Ok(settings)
}

fn setting(command: &Command, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Setting, String> {
    let flag = flags(command)
        .find(|flag| flag.get_long() == Some(key))
        .ok_or_else(|| unknown_key(command, key))?;
    let arguments = match (flag.get_action(), value.get_ref()) {
        (ArgAction::SetTrue, DeValue::Boolean(set)) => set.then(|| format!("--{key}")).into_iter().collect(),
        (ArgAction::SetTrue, _) => return Err(format!("\"{key}\" is true or false")),
        (ArgAction::Append, DeValue::Array(values)) => values
            .iter()
            .map(|value| match value.get_ref() {
                DeValue::String(value) => Ok(format!("--{key}={value}")),
                _ => Err(format!("every element of \"{key}\" is a string")),
            })
            .collect::<Result<_, _>>()?,
        (ArgAction::Append, _) => return Err(format!("\"{key}\" is a list: {key} = [\"…\", \"…\"]")),
        (_, DeValue::String(value)) => vec![format!("--{key}={value}")],
        (_, DeValue::Integer(value)) if value.radix() == 10 => vec![format!("--{key}={}", value.as_str())],
        (_, DeValue::Array(_)) => return Err(format!("\"{key}\" takes one value")),
        _ => return Err(format!("\"{key}\" takes a string or a number")),
    };
    // Alone, so that a value that the flag refuses is told with its line.
    let alone = std::iter::once(command.get_name().to_string()).chain(arguments.iter().cloned());
    if let Err(error) = command.clone().try_get_matches_from(alone) {
        return Err(one_line(&error));
    }
    Ok(Setting {
        id: flag.get_id().to_string(),
        arguments: arguments.into_iter().map(OsString::from).collect(),
    })
}

/// The flags that a file can set.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    let sets_something = |flag: &&Arg| {
        let is_action = matches!(flag.get_action(), ArgAction::Help | ArgAction::Version);
        !is_action && flag.get_id() != "config"
    };
    command.get_arguments().filter(sets_something)
}

fn unknown_key(command: &Command, key: &str) -> String {
    let known: Vec<_> = flags(command).filter_map(Arg::get_long).collect();
    format!("unknown key \"{key}\"; known keys: {}", known.join(", "))
}

/// Number of the line that a byte is in, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
