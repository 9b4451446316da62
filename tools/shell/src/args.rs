//! The command line, in the style of DuckDB's shell: options start with one dash or two, and their order matters, as
//! each one is carried out when its turn comes.

use crate::database::OpenOptions;
use crate::render::Mode;

/// What to do with the shell.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    Help,
    Version,
    Run(Box<Arguments>),
}

/// Which file to read before anything else.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum InitFile {
    /// `~/.duckdbrc`, at a prompt only.
    #[default]
    Default,
    None,
    Path(String),
}

/// The command line, read.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub open: OpenOptions,
    pub init: InitFile,
    /// Read standard input as a script even if it is a terminal.
    pub batch: bool,
    /// Read standard input once the actions are done.
    pub read_stdin: bool,
    pub actions: Vec<Action>,
}

/// One thing to do, in the order of the command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Bail,
    ColumnSeparator(String),
    Echo,
    File(String),
    Header(bool),
    Mode(Mode),
    NullValue(String),
    RowSeparator(String),
    Sql(String),
}

/// What `-help` prints after the usage line.
pub const HELP: &str = "\
FILENAME is the database to open, in memory if absent; SQL is run before the shell exits.

Options, with one dash or two:
  -c, -s COMMAND        run COMMAND and exit; may be repeated
  -cmd COMMAND          run COMMAND before reading standard input
  -f FILENAME           run the file and exit
  -init FILENAME        run the file first instead of ~/.duckdbrc
  -no-init              run no file first
  -no-stdin             exit after the options instead of reading standard input
  -batch                do not prompt, even on a terminal
  -bail                 stop at the first error
  -echo                 print inputs before they are run
  -readonly             open the database read-only
  -storage-version VER  storage version of new databases
  -unredacted           allow printing secrets
  -unsigned             accepted for compatibility: unsigned extensions are always allowed here
  -header, -noheader    show column names, or not
  -nullvalue TEXT       show NULL as TEXT; default 'NULL'
  -separator TEXT       put TEXT between columns; default '|'
  -newline TEXT         put TEXT after rows; default '\\n'
  -box -column -csv -duckbox -html -insert -json -jsonlines -line -list -markdown -quote -table -tabs -trash
                        choose how results are shown; default -duckbox
  -version, -help       show the version, or this text

Environment: DUCKDB_HISTORY names the history file, DUCKHERDER_EXTENSION the extension file to load.";

/// Read the command line without the program's name.
///
/// # Errors
/// A sentence that names the option that is unknown or lacks its value.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Invocation, String> {
    let mut parsed = Arguments {
        open: OpenOptions::default(),
        init: InitFile::default(),
        batch: false,
        read_stdin: true,
        actions: Vec::new(),
    };
    let mut trailing_sql = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let Some(option) = option_name(&argument) else {
            if parsed.open.path.is_none() {
                parsed.open.path = Some(argument);
            } else {
                trailing_sql.push(Action::Sql(argument));
            }
            continue;
        };
        let mut value = || rest.next().ok_or_else(|| format!("option -{option} needs a value"));
        match option.as_str() {
            "help" | "h" | "?" => return Ok(Invocation::Help),
            "version" => return Ok(Invocation::Version),
            "readonly" => parsed.open.read_only = true,
            "unredacted" => parsed.open.unredacted_secrets = true,
            "storage-version" => parsed.open.storage_version = Some(value()?),
            "unsigned" => {}
            "init" => parsed.init = InitFile::Path(value()?),
            "no-init" => parsed.init = InitFile::None,
            "batch" => parsed.batch = true,
            "no-stdin" => parsed.read_stdin = false,
            "cmd" => parsed.actions.push(Action::Sql(value()?)),
            "c" | "s" => {
                parsed.actions.push(Action::Sql(value()?));
                parsed.read_stdin = false;
            }
            "f" => {
                parsed.actions.push(Action::File(value()?));
                parsed.read_stdin = false;
            }
            "bail" => parsed.actions.push(Action::Bail),
            "echo" => parsed.actions.push(Action::Echo),
            "header" => parsed.actions.push(Action::Header(true)),
            "noheader" => parsed.actions.push(Action::Header(false)),
            "nullvalue" => parsed.actions.push(Action::NullValue(value()?)),
            "separator" => parsed.actions.push(Action::ColumnSeparator(value()?)),
            "newline" => parsed.actions.push(Action::RowSeparator(value()?)),
            name => match Mode::ALL.into_iter().find(|mode| mode.name() == name) {
                Some(mode) => parsed.actions.push(Action::Mode(mode)),
                None => return Err(format!("unrecognized option \"{argument}\"; try -help")),
            },
        }
    }
    if !trailing_sql.is_empty() {
        parsed.read_stdin = false;
        parsed.actions.append(&mut trailing_sql);
    }
    Ok(Invocation::Run(Box::new(parsed)))
}

/// The name of an option, without dashes; `None` for a positional argument.
fn option_name(argument: &str) -> Option<String> {
    let name = argument.strip_prefix('-').filter(|name| !name.is_empty())?;
    Some(name.strip_prefix('-').unwrap_or(name).replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        match parse(words.iter().map(|word| (*word).to_owned())) {
            Ok(Invocation::Run(arguments)) => *arguments,
            other => panic!("unexpected {other:?}"),
        }
    }

    #[test]
    fn a_file_and_sql_are_positional() {
        let parsed = arguments(&["my.db", "SELECT 1", "-csv", "SELECT 2"]);
        assert_eq!(parsed.open.path.as_deref(), Some("my.db"));
        assert!(!parsed.read_stdin);
        let sql = |text: &str| Action::Sql(text.to_owned());
        assert_eq!(
            parsed.actions,
            [Action::Mode(Mode::Csv), sql("SELECT 1"), sql("SELECT 2")]
        );
    }

    #[test]
    fn options_take_one_dash_or_two() {
        assert_eq!(
            arguments(&["-readonly", "-no-init"]),
            arguments(&["--readonly", "--no_init"])
        );
    }

    #[test]
    fn modes_apply_from_their_place_on() {
        let parsed = arguments(&["-json", "-c", "SELECT 1", "-csv", "-c", "SELECT 2"]);
        let sql = |text: &str| Action::Sql(text.to_owned());
        assert_eq!(
            parsed.actions,
            [
                Action::Mode(Mode::Json),
                sql("SELECT 1"),
                Action::Mode(Mode::Csv),
                sql("SELECT 2")
            ]
        );
    }

    #[test]
    fn mistakes_are_named() {
        let error = parse(["-xyz".to_owned()]).expect_err("there is no such option");
        assert!(error.contains("\"-xyz\""), "{error}");
        let error = parse(["-c".to_owned()]).expect_err("the value is missing");
        assert!(error.contains("-c"), "{error}");
    }
}
