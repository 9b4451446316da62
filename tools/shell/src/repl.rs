//! The prompt: reads lines from a person, keeps their history, and carries out what is complete.

use rustyline::config::Config;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Cmd, Editor, KeyCode, KeyEvent, Modifiers};

use crate::bridge;
use crate::error::ShellError;
use crate::history::{HistoryFile, MAX_ENTRIES};
use crate::script::{Input, Script};
use crate::shell::{Flow, Shell};

/// Read and run inputs until the user leaves. Returns the exit status.
///
/// # Errors
/// Only if the terminal cannot be used; errors of inputs are shown and the prompt comes back.
pub fn run(shell: &mut Shell) -> Result<u8, ShellError> {
    print_banner(shell);
    let mut prompt = Prompt::new()?;
    loop {
        shell.interrupts.reset();
        let Some(line) = prompt.read_line(shell)? else {
            return Ok(0);
        };
        // One edited line holds several when it was pasted or came back from the history.
        for line in line.split('\n') {
            match prompt.script.push_line(line, |sql| shell.classify(sql)) {
                Ok(None) => {}
                Ok(Some(input)) => {
                    prompt.remember(&input);
                    let interrupts = shell.interrupts.clone();
                    match interrupts.while_busy(|| shell.execute(&input)) {
                        Ok(Flow::Continue) => {}
                        Ok(Flow::Exit(status)) => return Ok(status),
                        Err(error) => shell.report(&error),
                    }
                }
                Err(error) => shell.report(&error),
            }
            if shell.interrupts.seen() {
                break;
            }
        }
    }
}

fn print_banner(shell: &Shell) {
    println!(
        "DuckDB {} ({}) {}\nEnter \".help\" for usage hints.",
        bridge::library_version(),
        bridge::release_codename(),
        bridge::release_commit()
    );
    if shell.options.file().is_none() {
        println!(
            "Connected to a transient in-memory database.\nUse \".open FILENAME\" to reopen on a persistent database."
        );
    }
}

struct Prompt {
    editor: Editor<(), MemHistory>,
    history: HistoryFile,
    /// History cannot be written; the user has been told.
    history_failed: bool,
    script: Script,
    /// Ctrl-C presses in a row at an empty prompt.
    idle_interrupts: usize,
}

impl Prompt {
    fn new() -> Result<Self, ShellError> {
        let config = Config::builder()
            .max_history_size(MAX_ENTRIES)
            .map_err(ShellError::Terminal)?
            .history_ignore_dups(true)
            .map_err(ShellError::Terminal)?
            .tab_stop(4)
            .build();
        let memory = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, memory).map_err(ShellError::Terminal)?;
        // There is nothing to complete: a tab that was typed or pasted is a tab.
        editor.bind_sequence(KeyEvent(KeyCode::Tab, Modifiers::NONE), Cmd::SelfInsert(1, '\t'));
        let history = HistoryFile::from_environment();
        let mut prompt = Self {
            editor,
            history,
            history_failed: false,
            script: Script::default(),
            idle_interrupts: 0,
        };
        match prompt.history.load() {
            Ok(entries) => {
                for entry in entries {
                    prompt.editor.add_history_entry(entry).map_err(ShellError::Terminal)?;
                }
            }
            Err(error) => prompt.history_failure(&error),
        }
        Ok(prompt)
    }

    /// Read a line, or `None` when the user leaves with Ctrl-D.
    fn read_line(&mut self, shell: &Shell) -> Result<Option<String>, ShellError> {
        loop {
            let text = if self.script.is_pending() {
                shell.settings.continuation_prompt.clone()
            } else {
                main_prompt(shell)
            };
            match self.editor.readline(&text) {
                Ok(line) => {
                    self.idle_interrupts = 0;
                    return Ok(Some(line));
                }
                Err(ReadlineError::Eof) => return Ok(None),
                Err(ReadlineError::Interrupted) => self.on_interrupt(),
                Err(error) => return Err(ShellError::Terminal(error)),
            }
        }
    }

    /// Drop what was typed; who keeps pressing wants to leave.
    fn on_interrupt(&mut self) {
        if self.script.is_pending() {
            self.script.clear();
            self.idle_interrupts = 0;
            return;
        }
        self.idle_interrupts += 1;
        if self.idle_interrupts == 2 {
            println!("Enter \".quit\" or press Ctrl-D to leave the shell.");
            self.idle_interrupts = 0;
        }
    }

    fn remember(&mut self, input: &Input) {
        let entry = match input {
            Input::Command(command) => format!(".{command}"),
            Input::Sql(sql) => sql.clone(),
        };
        // The editor drops an entry that repeats the last one; so does the file.
        let is_new = self.editor.add_history_entry(entry.as_str()).unwrap_or(false);
        if is_new
            && !self.history_failed
            && let Err(error) = self.history.append(&entry)
        {
            self.history_failure(&error);
        }
    }

    fn history_failure(&mut self, error: &std::io::Error) {
        self.history_failed = true;
        eprintln!("The history cannot be kept: {error}");
    }
}

fn main_prompt(shell: &Shell) -> String {
    if let Some(prompt) = &shell.settings.main_prompt {
        return prompt.clone();
    }
    match shell.session().connected_database() {
        Ok(Some(database)) => format!("{database} D "),
        // A prompt has no room for an error, and the next statement reports it.
        Ok(None) | Err(_) => "D ".to_owned(),
    }
}
