//! The shell's state, and how one input is carried out: a command or SQL, wherever it comes from.

use std::fs::File;
use std::io::{BufRead, BufReader};

use crate::bridge::{InputState, InterruptHandle, Session};
use crate::commands;
use crate::database::{self, OpenOptions};
use crate::error::ShellError;
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::render;
use crate::script::{Input, Script};
use crate::settings::Settings;
use crate::timer::Timer;

/// What happens after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// Leave the shell with this status.
    Exit(u8),
}

/// How a script ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScriptOutcome {
    pub failed: bool,
    /// `.quit` or `.exit` was among the commands.
    pub exit_status: Option<u8>,
}

/// Everything that outlives an input.
pub struct Shell {
    session: Session,
    pub options: OpenOptions,
    pub settings: Settings,
    pub output: Output,
    pub interrupts: Interrupts,
    /// A person is at the prompt.
    pub interactive: bool,
}

impl Shell {
    /// Open the database and load the extension, which the shell can do without.
    pub fn new(options: OpenOptions, interactive: bool) -> Result<Self, ShellError> {
        let output = Output::new();
        let session = database::open(&options, output.is_terminal())?;
        let interrupts = Interrupts::listen()?;
        let mut shell = Self {
            session,
            options,
            settings: Settings::default(),
            output,
            interrupts,
            interactive,
        };
        shell.start_session();
        Ok(shell)
    }

    /// Close the database and open another one. If that fails, an empty one in memory takes its place.
    pub fn reopen(&mut self, options: OpenOptions) -> Result<(), ShellError> {
        // The same file cannot be open twice: let go of it before it is opened again.
        let show_progress = self.output.is_terminal();
        self.session = database::open(&OpenOptions::default(), show_progress)?;
        self.options = OpenOptions::default();
        let opened = database::open(&options, show_progress).map(|session| {
            self.session = session;
            self.options = options;
        });
        self.start_session();
        opened
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    fn start_session(&mut self) {
        self.interrupts
            .set_target(InterruptHandle::of(self.session.connection()));
        if let Err(warning) = database::load_extension(&self.session) {
            eprintln!("{warning}");
        }
    }

    /// Carry out one input.
    pub fn execute(&mut self, input: &Input) -> Result<Flow, ShellError> {
        if self.settings.echo {
            let (Input::Command(text) | Input::Sql(text)) = input;
            let dot = if matches!(input, Input::Command(_)) { "." } else { "" };
            writeln!(self.output.writer(), "{dot}{text}")?;
        }
        match input {
            Input::Command(command) => {
                let flow = commands::run(self, command);
                self.output.flush()?;
                flow
            }
            Input::Sql(sql) => {
                self.execute_sql(sql)?;
                Ok(Flow::Continue)
            }
        }
    }

    /// Run statements and show their results. Stops at the first one that fails.
    pub fn execute_sql(&mut self, sql: &str) -> Result<(), ShellError> {
        let interrupts = self.interrupts.clone();
        let result = interrupts.while_busy(|| self.execute_statements(sql));
        let finished = self.output.finish_statement();
        result.and(finished)
    }

    fn execute_statements(&mut self, sql: &str) -> Result<(), ShellError> {
        // The progress bar and DuckDB's own output bypass our buffer.
        self.output.flush()?;
        let mut statements = self.session.statements(sql)?;
        loop {
            let timer = Timer::start();
            let Some(statement) = statements.next()? else {
                return Ok(());
            };
            let result = self
                .session
                .submit(statement)
                .and_then(|query| render::render(query, &self.settings, &mut self.output));
            if self.settings.timer {
                self.output.flush()?;
                println!("{}", timer.report());
            }
            result?;
        }
    }

    /// Run the lines of a reader to its end, or to the first error if `bail`. Errors are reported here.
    pub fn run_script(&mut self, mut reader: impl BufRead, bail: bool) -> Result<ScriptOutcome, ShellError> {
        let mut script = Script::default();
        let mut outcome = ScriptOutcome::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let at_end = reader.read_until(b'\n', &mut line).map_err(ShellError::Input)? == 0;
            let text = String::from_utf8_lossy(&line);
            let input = if at_end {
                Ok(script.finish())
            } else {
                script.push_line(text.trim_end_matches(['\r', '\n']), |sql| self.classify(sql))
            };
            match input.and_then(|input| input.map_or(Ok(Flow::Continue), |input| self.execute(&input))) {
                Ok(Flow::Continue) => {}
                Ok(Flow::Exit(status)) => {
                    outcome.exit_status = Some(status);
                    return Ok(outcome);
                }
                Err(error) if error.is_broken_pipe() => return Err(error),
                Err(error) => {
                    self.report(&error);
                    outcome.failed = true;
                    script.clear();
                }
            }
            outcome.failed |= self.interrupts.seen();
            if at_end || (outcome.failed && (bail || self.interrupts.seen())) {
                return Ok(outcome);
            }
        }
    }

    /// Run the lines of a file; see [`Shell::run_script`].
    pub fn run_file(&mut self, path: &str, bail: bool) -> Result<ScriptOutcome, ShellError> {
        let file = File::open(path).map_err(|source| ShellError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        self.run_script(BufReader::new(file), bail)
    }

    pub fn classify(&self, sql: &str) -> Result<InputState, ShellError> {
        self.session.classify(sql)
    }

    /// Show an error on standard error, after the results that came before it.
    pub fn report(&mut self, error: &ShellError) {
        // A failure to write results must not hide the error itself.
        let _ = self.output.flush();
        eprintln!("{error}");
    }
}
