//! Turns the text of a test file into a [`Script`].
//!
//! DuckDB's directives, loops, conditions and the splitting into records are read here; each plain record (`statement`,
//! `query`, `hash-threshold`, `halt`) is then handed to the parser of the `sqllogictest` crate, see [`record`]. The
//! whole file is parsed before anything runs, so that a mistake anywhere fails it.

mod condition;
mod directive;
mod error;
mod lines;
mod loops;
mod record;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use error::{ParseError, ParseErrorKind};

use crate::script::{Command, CommandKind, Loop, LoopCondition, Query, Script, Statement};
use lines::{Cursor, tokenize};

/// Parses a test file.
///
/// # Errors
/// Where the file cannot be read or understood, with its line.
pub fn parse_file(path: &Path, shown_as: &Path) -> Result<Script, ParseError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ParseErrorKind::Unreadable(source).at(shown_as.to_owned(), 0))?;
    parse(&text, shown_as)
}

/// Parses the text of a test file.
///
/// # Errors
/// As [`parse_file`].
pub fn parse(text: &str, shown_as: &Path) -> Result<Script, ParseError> {
    let mut parser = Parser::new(text);
    match parser.run() {
        Ok(()) => Ok(Script {
            path: shown_as.to_owned(),
            commands: parser.commands,
        }),
        Err(kind) => Err(kind.at(shown_as.to_owned(), parser.line)),
    }
}

/// A loop whose `endloop` has not come yet, with the commands that stood before it.
struct OpenLoop {
    line: usize,
    conditions: Vec<LoopCondition>,
    header: Loop,
    outer: Vec<Command>,
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    /// The line blamed for an error.
    line: usize,
    /// Of the innermost open loop, or of the file.
    commands: Vec<Command>,
    open_loops: Vec<OpenLoop>,
    /// How many `mode skip` are not undone.
    skip_depth: usize,
    tags_seen: bool,
    sql_seen: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            line: 0,
            commands: Vec::new(),
            open_loops: Vec::new(),
            skip_depth: 0,
            tags_seen: false,
            sql_seen: false,
        }
    }

    fn run(&mut self) -> Result<(), ParseErrorKind> {
        while let Some(line) = self.cursor.next_record() {
            self.line = line;
            if self.record()? == Flow::Halt {
                break;
            }
        }
        match self.open_loops.last() {
            Some(open) => {
                self.line = open.line;
                Err(ParseErrorKind::MissingEndloop)
            }
            None => Ok(()),
        }
    }

    fn record(&mut self) -> Result<Flow, ParseErrorKind> {
        let Some(conditions) = self.conditions()? else {
            self.cursor.skip_record();
            return Ok(Flow::Continue);
        };
        let tokens = tokenize(self.cursor.current());
        let Some((&directive, parameters)) = tokens.split_first() else {
            return Err(ParseErrorKind::BlankLine);
        };
        if !directive::is_known(directive) {
            return Err(ParseErrorKind::UnknownDirective(directive.to_owned()));
        }
        if directive::is_single_line(directive) && !self.cursor.next_is_blank_or_comment() {
            return Err(ParseErrorKind::NotSeparated(directive.to_owned()));
        }
        if self.skip_depth > 0 && directive != "mode" {
            self.cursor.skip_record();
            return Ok(Flow::Continue);
        }
        self.directive(directive, parameters, conditions)
    }

    /// Reads the `skipif` and `onlyif` lines in front of a record; `None` when it is meant for another database.
    fn conditions(&mut self) -> Result<Option<Vec<LoopCondition>>, ParseErrorKind> {
        let mut conditions = Vec::new();
        loop {
            let tokens = tokenize(self.cursor.current());
            let skip = match tokens.first() {
                Some(&"skipif") => true,
                Some(&"onlyif") => false,
                _ => return Ok(Some(conditions)),
            };
            let text = tokens[1..].join(" ");
            match condition::parse(&text, skip)? {
                condition::Condition::System { ours } if ours == skip => return Ok(None),
                condition::Condition::System { .. } => {}
                condition::Condition::Loop(parsed) => {
                    for condition in &parsed {
                        self.require_loop_variable(&condition.variable)?;
                    }
                    conditions.extend(parsed);
                }
            }
            self.cursor.advance();
            self.line += 1;
        }
    }

    fn require_loop_variable(&self, name: &str) -> Result<(), ParseErrorKind> {
        let known = self
            .open_loops
            .iter()
            .any(|open| open.header.names.iter().any(|known| known == name));
        if known {
            Ok(())
        } else {
            Err(ParseErrorKind::UnknownLoopVariable(name.to_owned()))
        }
    }

    fn directive(
        &mut self,
        directive: &str,
        parameters: &[&str],
        conditions: Vec<LoopCondition>,
    ) -> Result<Flow, ParseErrorKind> {
        let line = self.line;
        let kind = match directive {
            "statement" => {
                self.sql_seen = true;
                record::statement(&mut self.cursor, parameters)?
            }
            "query" => {
                self.sql_seen = true;
                record::query(&mut self.cursor, parameters)?
            }
            "hash-threshold" => CommandKind::HashThreshold(record::hash_threshold(&mut self.cursor)?),
            "halt" => {
                record::halt(&mut self.cursor)?;
                return Ok(Flow::Halt);
            }
            "loop" | "concurrentloop" | "foreach" | "concurrentforeach" => {
                let header = loops::header(directive, parameters)?;
                if header.concurrent && self.inside_concurrent_loop() {
                    return Err(ParseErrorKind::NestedConcurrency);
                }
                let outer = std::mem::take(&mut self.commands);
                self.open_loops.push(OpenLoop {
                    line,
                    conditions,
                    header,
                    outer,
                });
                self.cursor.advance();
                return Ok(Flow::Continue);
            }
            "endloop" => {
                self.end_loop()?;
                return Ok(Flow::Continue);
            }
            "mode" if parameters == ["skip"] => {
                self.skip_depth += 1;
                self.cursor.advance();
                return Ok(Flow::Continue);
            }
            "mode" if parameters == ["unskip"] => {
                self.skip_depth = self
                    .skip_depth
                    .checked_sub(1)
                    .ok_or(ParseErrorKind::UnskipWithoutSkip)?;
                self.cursor.advance();
                return Ok(Flow::Continue);
            }
            _ if self.skip_depth > 0 => {
                self.cursor.advance();
                return Ok(Flow::Continue);
            }
            "tags" => {
                self.tags(parameters)?;
                return Ok(Flow::Continue);
            }
            _ => {
                let kind = directive::parse(directive, parameters)?;
                self.cursor.advance();
                kind
            }
        };
        self.check_place(directive, &kind)?;
        self.commands.push(Command { line, conditions, kind });
        Ok(Flow::Continue)
    }

    fn tags(&mut self, parameters: &[&str]) -> Result<(), ParseErrorKind> {
        if parameters.is_empty() || self.tags_seen || self.sql_seen {
            return Err(ParseErrorKind::MisplacedTags);
        }
        self.tags_seen = true;
        self.cursor.advance();
        Ok(())
    }

    fn end_loop(&mut self) -> Result<(), ParseErrorKind> {
        let open = self.open_loops.pop().ok_or(ParseErrorKind::EndloopWithoutLoop)?;
        let body = std::mem::replace(&mut self.commands, open.outer);
        let kind = CommandKind::Loop(Loop { body, ..open.header });
        self.commands.push(Command {
            line: open.line,
            conditions: open.conditions,
            kind,
        });
        self.cursor.advance();
        Ok(())
    }

    fn inside_concurrent_loop(&self) -> bool {
        self.open_loops.iter().any(|open| open.header.concurrent)
    }

    /// Refuses what cannot work inside a loop.
    fn check_place(&self, directive: &str, kind: &CommandKind) -> Result<(), ParseErrorKind> {
        let header_only = matches!(
            kind,
            CommandKind::Require(_) | CommandKind::RequireEnv { .. } | CommandKind::TestEnv { .. }
        );
        if header_only && !self.open_loops.is_empty() {
            return Err(ParseErrorKind::InsideLoop(directive.to_owned()));
        }
        if !self.inside_concurrent_loop() {
            return Ok(());
        }
        match kind {
            CommandKind::Statement(Statement { connection: None, .. })
            | CommandKind::Query(Query { connection: None, .. })
            | CommandKind::ResetLabel(_)
            | CommandKind::Sleep(_) => Ok(()),
            CommandKind::Statement(_) | CommandKind::Query(_) => Err(ParseErrorKind::NamedConnectionInConcurrentLoop),
            _ => Err(ParseErrorKind::InsideConcurrentLoop(directive.to_owned())),
        }
    }
}

#[derive(PartialEq)]
enum Flow {
    Continue,
    Halt,
}
