//! Cuts lines into dot commands and pieces of SQL. Where a statement ends is for DuckDB's tokenizer to say.

use crate::bridge::InputState;
use crate::error::ShellError;

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A dot command, without the dot.
    Command(String),
    /// One or more statements.
    Sql(String),
}

/// Lines that have been read and not yet run.
#[derive(Debug, Default)]
pub struct Script {
    pending: String,
}

impl Script {
    /// Take one line; return what can be run now that it is there.
    pub fn push_line(
        &mut self,
        line: &str,
        classify: impl Fn(&str) -> Result<InputState, ShellError>,
    ) -> Result<Option<Input>, ShellError> {
        if self.pending.is_empty() {
            if let Some(command) = line.strip_prefix('.') {
                return Ok(Some(Input::Command(command.trim().to_owned())));
            }
            // No SQL starts with `#`, but a script's first line may: `#!/usr/bin/env duckdb -f`.
            if line.trim().is_empty() || line.starts_with('#') {
                return Ok(None);
            }
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        // A statement ends on a line with a semicolon: the other lines need no look at all that is pending.
        if !line.contains(';') {
            return Ok(None);
        }
        match classify(&self.pending)? {
            InputState::Incomplete => Ok(None),
            InputState::Empty => {
                self.pending.clear();
                Ok(None)
            }
            InputState::Complete => Ok(self.finish()),
        }
    }

    /// Take what is left at the end of the input, which needs no semicolon.
    pub fn finish(&mut self) -> Option<Input> {
        let sql = std::mem::take(&mut self.pending);
        let sql = sql.trim();
        (!sql.is_empty()).then(|| Input::Sql(sql.to_owned()))
    }

    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub fn clear(&mut self) {
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands for DuckDB's tokenizer: complete if the text ends with a semicolon.
    fn classify(sql: &str) -> Result<InputState, ShellError> {
        Ok(if sql.trim_end().ends_with(';') {
            InputState::Complete
        } else {
            InputState::Incomplete
        })
    }

    fn push(script: &mut Script, line: &str) -> Option<Input> {
        script.push_line(line, classify).expect("the stand-in does not fail")
    }

    #[test]
    fn a_statement_ends_with_its_semicolon() {
        let mut script = Script::default();
        assert_eq!(push(&mut script, "SELECT 1,"), None);
        assert!(script.is_pending());
        assert_eq!(
            push(&mut script, "  2;"),
            Some(Input::Sql("SELECT 1,\n  2;".to_owned()))
        );
        assert!(!script.is_pending());
    }

    #[test]
    fn a_dot_starts_a_command_only_between_statements() {
        let mut script = Script::default();
        assert_eq!(
            push(&mut script, ".mode csv "),
            Some(Input::Command("mode csv".to_owned()))
        );
        assert_eq!(push(&mut script, "SELECT 1"), None);
        assert_eq!(push(&mut script, ".5;"), Some(Input::Sql("SELECT 1\n.5;".to_owned())));
    }

    #[test]
    fn the_end_of_input_ends_a_statement() {
        let mut script = Script::default();
        assert_eq!(push(&mut script, "SELECT 1"), None);
        assert_eq!(script.finish(), Some(Input::Sql("SELECT 1".to_owned())));
        assert_eq!(script.finish(), None);
    }

    #[test]
    fn blank_and_hash_lines_are_skipped() {
        let mut script = Script::default();
        assert_eq!(push(&mut script, "#!/usr/bin/env duckdb -f"), None);
        assert_eq!(push(&mut script, "   "), None);
        assert!(!script.is_pending());
    }
}
