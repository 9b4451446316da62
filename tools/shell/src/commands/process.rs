//! Commands about files, processes, and the shell itself.

use std::env;
use std::io::Write;

use super::usage;
use crate::database::OpenOptions;
use crate::error::ShellError;
use crate::output::shell_command;
use crate::shell::{Flow, Shell};

pub fn cd(_shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let path = &arguments[0];
    env::set_current_dir(path).map_err(|source| ShellError::File {
        action: "change to",
        path: path.clone(),
        source,
    })?;
    Ok(Flow::Continue)
}

pub fn exit(_shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let status = arguments
        .first()
        .map_or(Ok(0), |status| status.parse())
        .map_err(|_| usage("exit"))?;
    Ok(Flow::Exit(status))
}

pub fn once(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.output.redirect(Some(&arguments[0]), true)?;
    Ok(Flow::Continue)
}

pub fn output(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.output.redirect(arguments.first().map(String::as_str), false)?;
    Ok(Flow::Continue)
}

pub fn open(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let mut options = OpenOptions {
        path: None,
        read_only: false,
        ..shell.options.clone()
    };
    for argument in arguments {
        match argument.trim_start_matches('-') {
            "readonly" if argument.starts_with('-') => options.read_only = true,
            path if path == argument && options.path.is_none() => options.path = Some(argument.clone()),
            _ => return Err(usage("open")),
        }
    }
    shell.reopen(options)?;
    Ok(Flow::Continue)
}

pub fn print(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    writeln!(shell.output.writer(), "{}", arguments.join(" "))?;
    Ok(Flow::Continue)
}

/// Run a file's inputs. Its errors are shown as they come; the one returned says that there were some.
pub fn read(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    let path = &arguments[0];
    let bail = shell.settings.bail.unwrap_or(false);
    let outcome = shell.run_file(path, bail)?;
    match outcome.exit_status {
        Some(status) => Ok(Flow::Exit(status)),
        None if outcome.failed => Err(ShellError::Script(path.clone())),
        None => Ok(Flow::Continue),
    }
}

pub fn shell(shell: &mut Shell, arguments: &[String]) -> Result<Flow, ShellError> {
    shell.output.flush()?;
    let command = &arguments[0];
    let status = shell_command(command).status().map_err(|source| ShellError::Process {
        command: command.clone(),
        source,
    })?;
    if !status.success() {
        println!("The command ended with {status}.");
    }
    std::io::stdout().flush()?;
    Ok(Flow::Continue)
}
