//! The dot commands: their table, and how a line becomes a call. The commands themselves are in one file per subject.

mod catalog;
mod display;
mod process;

use crate::error::ShellError;
use crate::shell::{Flow, Shell};

/// One dot command.
struct Command {
    name: &'static str,
    /// The arguments, as `.help` shows them.
    arguments: &'static str,
    help: &'static str,
    /// Numbers of arguments that are accepted.
    min_arguments: usize,
    max_arguments: usize,
    run: fn(&mut Shell, &[String]) -> Result<Flow, ShellError>,
}

impl Command {
    fn usage(&self) -> String {
        format!(".{} {}", self.name, self.arguments).trim_end().to_owned()
    }
}

macro_rules! command {
    ($name:literal, $arguments:literal, $help:literal, $range:expr, $run:expr) => {
        Command {
            name: $name,
            arguments: $arguments,
            help: $help,
            min_arguments: *$range.start(),
            max_arguments: *$range.end(),
            run: $run,
        }
    };
}

/// Every command, in the order of their names.
const COMMANDS: &[Command] = &[
    command!(
        "bail",
        "on|off",
        "Stop a script at its first error",
        1..=1,
        display::bail
    ),
    command!("cd", "DIRECTORY", "Change the working directory", 1..=1, process::cd),
    command!(
        "columns",
        "",
        "Draw boxes with one row per column",
        0..=0,
        display::columns
    ),
    command!(
        "databases",
        "",
        "List the attached databases",
        0..=0,
        catalog::databases
    ),
    command!(
        "echo",
        "on|off",
        "Print inputs before they are run",
        1..=1,
        display::echo
    ),
    command!("exit", "[STATUS]", "Leave the shell", 0..=1, process::exit),
    command!("headers", "on|off", "Show column names", 1..=1, display::headers),
    command!(
        "help",
        "[PATTERN]",
        "List the commands whose name contains PATTERN",
        0..=1,
        help
    ),
    command!(
        "large_number_rendering",
        "all|footer|off",
        "Explain large numbers in words",
        1..=1,
        display::large_numbers
    ),
    command!(
        "maxrows",
        "COUNT",
        "Set how many rows a box shows; -1 for all",
        0..=1,
        display::max_rows
    ),
    command!(
        "maxwidth",
        "COUNT",
        "Set how wide a box may be; 0 follows the terminal",
        0..=1,
        display::max_width
    ),
    command!(
        "mode",
        "MODE [TABLE]",
        "Set how results are shown; TABLE is for mode insert",
        0..=2,
        display::mode
    ),
    command!("nullvalue", "TEXT", "Show NULL as TEXT", 1..=1, display::null_value),
    command!(
        "once",
        "FILE",
        "Send the next result to FILE, or to a command after |",
        1..=1,
        process::once
    ),
    command!(
        "open",
        "[--readonly] [FILE]",
        "Close the database and open FILE",
        0..=2,
        process::open
    ),
    command!(
        "output",
        "[FILE]",
        "Send results to FILE, to a command after |, or back here",
        0..=1,
        process::output
    ),
    command!("print", "TEXT...", "Print TEXT", 0..=usize::MAX, process::print),
    command!(
        "prompt",
        "[MAIN] [CONTINUATION]",
        "Set the prompts, or restore them",
        0..=2,
        display::prompt
    ),
    command!("quit", "", "Leave the shell", 0..=0, process::exit),
    command!("read", "FILE", "Run the inputs in FILE", 1..=1, process::read),
    command!("rows", "", "Draw boxes row by row (default)", 0..=0, display::rows),
    command!(
        "schema",
        "[PATTERN]",
        "Show the CREATE statements of what is LIKE PATTERN",
        0..=1,
        catalog::schema
    ),
    command!(
        "separator",
        "COLUMN [ROW]",
        "Set the separators of modes list and csv",
        1..=2,
        display::separator
    ),
    command!(
        "shell",
        "COMMAND...",
        "Run COMMAND in the system's shell",
        1..=usize::MAX,
        process::shell
    ),
    command!("show", "", "Show the settings", 0..=0, display::show),
    command!(
        "system",
        "COMMAND...",
        "Run COMMAND in the system's shell",
        1..=usize::MAX,
        process::shell
    ),
    command!(
        "tables",
        "[PATTERN]",
        "List tables and views LIKE PATTERN",
        0..=1,
        catalog::tables
    ),
    command!(
        "timer",
        "on|off",
        "Show how long statements take",
        1..=1,
        display::timer
    ),
    command!(
        "width",
        "COUNT...",
        "Set least column widths; negative aligns right",
        0..=usize::MAX,
        display::width
    ),
];

/// Run a command line, given without its dot.
///
/// # Errors
/// `UnknownCommand` or `AmbiguousCommand` for its name, `Usage` for its arguments, or the command's own error.
pub fn run(shell: &mut Shell, line: &str) -> Result<Flow, ShellError> {
    let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let command = find(name)?;
    let arguments = if is_for_system_shell(command, arguments) {
        vec![arguments.trim().to_owned()]
    } else {
        split_words(arguments)
    };
    if !(command.min_arguments..=command.max_arguments).contains(&arguments.len()) {
        return Err(usage(command.name));
    }
    (command.run)(shell, &arguments)
}

/// Tell whether the arguments are a command line, whose quotes and blanks are for the system's shell to read.
fn is_for_system_shell(command: &Command, arguments: &str) -> bool {
    match command.name {
        "shell" | "system" => !arguments.trim().is_empty(),
        "once" | "output" => arguments.trim_start().starts_with('|'),
        _ => false,
    }
}

/// Find a command by its name or the beginning of it.
fn find(name: &str) -> Result<&'static Command, ShellError> {
    if let Some(command) = COMMANDS.iter().find(|command| command.name == name) {
        return Ok(command);
    }
    let candidates: Vec<_> = COMMANDS
        .iter()
        .filter(|command| command.name.starts_with(name))
        .collect();
    match candidates.as_slice() {
        [command] if !name.is_empty() => Ok(command),
        [_, _, ..] if !name.is_empty() => Err(ShellError::AmbiguousCommand {
            name: name.to_owned(),
            candidates: candidates
                .iter()
                .map(|command| format!(".{}", command.name))
                .collect::<Vec<_>>()
                .join(" or "),
        }),
        _ => Err(ShellError::UnknownCommand(name.to_owned())),
    }
}

/// Split arguments at blanks. Single and double quotes keep blanks; a backslash in double quotes escapes.
fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut characters = line.chars().peekable();
    while let Some(first) = characters.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut word = String::new();
        if first == '\'' || first == '"' {
            while let Some(character) = characters.next().filter(|character| *character != first) {
                match (character, first) {
                    ('\\', '"') => word.extend(characters.next().map(unescape)),
                    _ => word.push(character),
                }
            }
        } else {
            word.push(first);
            while let Some(character) = characters.next_if(|character| !character.is_whitespace()) {
                word.push(character);
            }
        }
        words.push(word);
    }
    words
}

fn unescape(character: char) -> char {
    match character {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}

/// The error that shows how a command is written.
fn usage(name: &str) -> ShellError {
    let command = COMMANDS.iter().find(|command| command.name == name);
    ShellError::Usage(command.map_or_else(|| format!(".{name}"), Command::usage))
}

/// Read `on` or `off`, as DuckDB's shell does.
fn parse_switch(command: &str, word: &str) -> Result<bool, ShellError> {
    match word.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Ok(true),
        "off" | "no" | "false" | "0" => Ok(false),
        _ => Err(usage(command)),
    }
}

fn help(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let pattern = arguments.first().map_or("", |pattern| pattern.trim_start_matches('.'));
    let matching: Vec<_> = COMMANDS
        .iter()
        .filter(|command| command.name.contains(pattern))
        .collect();
    if matching.is_empty() {
        return Err(ShellError::UnknownCommand(pattern.to_owned()));
    }
    let width = matching.iter().map(|command| command.usage().len()).max().unwrap_or(0);
    for command in matching {
        writeln!(shell.output.writer(), "{:width$}  {}", command.usage(), command.help)?;
    }
    Ok(Flow::Continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_can_be_shortened() {
        assert!(COMMANDS.is_sorted_by_key(|command| command.name));
        assert_eq!(find("tab").expect("only one begins so").name, "tables");
        assert_eq!(find("sh").map(|command| command.name).unwrap_or("none"), "none");
        let error = find("nosuch").err().expect("there is no such command").to_string();
        assert!(error.contains(".help"), "{error}");
    }

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(split_words(r#"a 'b c' "d\te" f'g"#), ["a", "b c", "d\te", "f'g"]);
        assert_eq!(split_words("''"), [""]);
    }
}
