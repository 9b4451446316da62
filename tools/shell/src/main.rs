//! `duckdb`: a DuckDB shell with the Duckherder extension pre-loaded. This file reads the command line and carries out
//! its actions; `shell` runs inputs, `repl` is the prompt.

mod args;
mod bridge;
mod commands;
mod database;
mod error;
mod history;
mod interrupt;
mod output;
mod render;
mod repl;
mod script;
mod settings;
mod shell;
mod sql;
mod timer;

use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use args::{Action, Arguments, InitFile, Invocation};
use error::ShellError;
use shell::{ScriptOutcome, Shell};

const FAILURE: u8 = 1;
const DEFAULT_INIT_FILE: &str = ".duckdbrc";

fn main() -> ExitCode {
    let status = match args::parse(env::args().skip(1)) {
        Ok(Invocation::Help) => {
            println!("Usage: duckdb [OPTIONS] [FILENAME] [SQL...]\n\n{}", args::HELP);
            Ok(0)
        }
        Ok(Invocation::Version) => {
            let version = bridge::library_version();
            println!(
                "{version} ({}) {}",
                bridge::release_codename(),
                bridge::release_commit()
            );
            Ok(0)
        }
        Ok(Invocation::Run(arguments)) => run(*arguments),
        Err(message) => {
            eprintln!("duckdb: {message}");
            Ok(FAILURE)
        }
    };
    ExitCode::from(status.unwrap_or_else(|error| {
        if !error.is_broken_pipe() {
            eprintln!("{error}");
        }
        FAILURE
    }))
}

/// Carry out the command line. Returns the exit status: failure if any script had an error, whatever came after it.
fn run(arguments: Arguments) -> Result<u8, ShellError> {
    let interactive = arguments.read_stdin && !arguments.batch && io::stdin().is_terminal();
    let mut shell = Shell::new(arguments.open, interactive)?;

    let mut outcome = run_init_file(&mut shell, &arguments.init)?;
    for action in arguments.actions {
        if outcome.exit_status.is_some() {
            break;
        }
        outcome = run_action(&mut shell, action)?;
        if outcome.failed {
            return Ok(FAILURE);
        }
    }
    if let Some(status) = outcome.exit_status {
        return Ok(status);
    }
    if interactive {
        return repl::run(&mut shell);
    }
    if arguments.read_stdin {
        let bail = shell.settings.bail.unwrap_or(false);
        outcome = shell.run_script(io::stdin().lock(), bail)?;
    }
    Ok(outcome.exit_status.unwrap_or(if outcome.failed { FAILURE } else { 0 }))
}

fn run_init_file(shell: &mut Shell, init: &InitFile) -> Result<ScriptOutcome, ShellError> {
    let path = match init {
        InitFile::None => return Ok(ScriptOutcome::default()),
        InitFile::Path(path) => path.clone(),
        InitFile::Default => match env::home_dir().map(|home| home.join(DEFAULT_INIT_FILE)) {
            Some(path) if shell.interactive && path.is_file() => path.to_string_lossy().into_owned(),
            _ => return Ok(ScriptOutcome::default()),
        },
    };
    if shell.interactive {
        eprintln!("-- Loading resources from {path}");
    }
    shell.run_file(&path, false)
}

fn run_action(shell: &mut Shell, action: Action) -> Result<ScriptOutcome, ShellError> {
    match action {
        Action::Sql(sql) => {
            let bail = shell.settings.bail.unwrap_or(true);
            return shell.run_script(sql.as_bytes(), bail);
        }
        Action::File(path) => {
            let bail = shell.settings.bail.unwrap_or(false);
            return shell.run_file(&path, bail);
        }
        Action::Bail => shell.settings.bail = Some(true),
        Action::Echo => shell.settings.echo = true,
        Action::Header(shown) => shell.settings.header = shown,
        Action::Mode(mode) => shell.settings.set_mode(mode),
        Action::NullValue(text) => shell.settings.null_value = text,
        Action::ColumnSeparator(text) => shell.settings.column_separator = unescape(&text),
        Action::RowSeparator(text) => shell.settings.row_separator = unescape(&text),
    }
    Ok(ScriptOutcome::default())
}

/// Read the escapes that a command line cannot hold otherwise.
fn unescape(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\r", "\r").replace("\\n", "\n")
}
