//! Where results go: standard output, or the file or command named by `.output` and `.once`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::error::ShellError;

enum Redirect {
    File(BufWriter<File>),
    Command { child: Child, input: BufWriter<ChildStdin> },
}

/// The current destination of results. Errors never go through it.
pub struct Output {
    stdout: BufWriter<Stdout>,
    stdout_is_terminal: bool,
    redirect: Option<Redirect>,
    /// The redirection ends with the next statement.
    once: bool,
}

impl Output {
    pub fn new() -> Self {
        let stdout = io::stdout();
        let stdout_is_terminal = stdout.is_terminal();
        Self {
            stdout: BufWriter::new(stdout),
            stdout_is_terminal,
            redirect: None,
            once: false,
        }
    }

    pub fn writer(&mut self) -> &mut dyn Write {
        match &mut self.redirect {
            None => &mut self.stdout,
            Some(Redirect::File(file)) => file,
            Some(Redirect::Command { input, .. }) => input,
        }
    }

    /// Tell whether a person reads the results on this terminal.
    pub fn is_terminal(&self) -> bool {
        self.redirect.is_none() && self.stdout_is_terminal
    }

    /// Tell whether results go to a file, where nothing limits their size.
    pub fn is_file(&self) -> bool {
        matches!(self.redirect, Some(Redirect::File(_)))
    }

    /// Send results to a file, to a command if the name starts with `|`, or back to standard output if it is absent.
    pub fn redirect(&mut self, target: Option<&str>, once: bool) -> Result<(), ShellError> {
        self.close_redirect()?;
        self.once = once;
        self.redirect = match target {
            None | Some("stdout") => None,
            Some(target) => Some(match target.strip_prefix('|') {
                Some(command) => open_command(command.trim())?,
                None => open_file(target)?,
            }),
        };
        Ok(())
    }

    /// Write out what is buffered, and end a `.once` redirection.
    pub fn finish_statement(&mut self) -> Result<(), ShellError> {
        if self.once {
            self.close_redirect()?;
            self.once = false;
        }
        self.flush()
    }

    pub fn flush(&mut self) -> Result<(), ShellError> {
        Ok(self.writer().flush()?)
    }

    fn close_redirect(&mut self) -> Result<(), ShellError> {
        match self.redirect.take() {
            None => Ok(()),
            Some(Redirect::File(mut file)) => Ok(file.flush()?),
            Some(Redirect::Command { mut child, input }) => {
                let flushed = input.into_inner().map(drop);
                child.wait()?;
                Ok(flushed.map_err(io::IntoInnerError::into_error)?)
            }
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure: whoever cares has called `finish_statement`.
        let _ = self.close_redirect();
    }
}

fn open_file(path: &str) -> Result<Redirect, ShellError> {
    let file = File::create(path).map_err(|source| ShellError::File {
        action: "write",
        path: path.to_owned(),
        source,
    })?;
    Ok(Redirect::File(BufWriter::new(file)))
}

fn open_command(command: &str) -> Result<Redirect, ShellError> {
    let mut child = shell_command(command)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|source| ShellError::Process {
            command: command.to_owned(),
            source,
        })?;
    let input = child.stdin.take().expect("the command was started with a pipe");
    Ok(Redirect::Command {
        child,
        input: BufWriter::new(input),
    })
}

/// A command line for the system's shell.
pub fn shell_command(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}
