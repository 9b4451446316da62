//! Walks over the lines of a test file: where records begin, and what belongs to them.

/// The delimiter between SQL and what it should return.
pub const DELIMITER: &str = "----";

/// A position in the file.
pub struct Cursor<'a> {
    lines: Vec<&'a str>,
    position: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().collect(),
            position: 0,
        }
    }

    /// Moves to the next line that begins a record and returns its number, counted from 1.
    pub fn next_record(&mut self) -> Option<usize> {
        while self
            .lines
            .get(self.position)
            .is_some_and(|line| is_blank_or_comment(line))
        {
            self.position += 1;
        }
        (self.position < self.lines.len()).then_some(self.position + 1)
    }

    /// Moves behind the last line of the current record.
    pub fn skip_record(&mut self) {
        while self
            .lines
            .get(self.position)
            .is_some_and(|line| !is_blank_or_comment(line))
        {
            self.position += 1;
        }
    }

    /// The current line; empty at the end of the file.
    pub fn current(&self) -> &'a str {
        self.lines.get(self.position).copied().unwrap_or("")
    }

    pub fn advance(&mut self) {
        self.position += 1;
    }

    pub fn next_is_blank_or_comment(&self) -> bool {
        self.lines
            .get(self.position + 1)
            .is_none_or(|line| is_blank_or_comment(line))
    }

    /// Takes the lines up to the delimiter, an empty line or a comment.
    pub fn take_sql(&mut self) -> Vec<&'a str> {
        self.take_while(|line| !is_blank_or_comment(line) && line != DELIMITER)
    }

    /// Takes the lines between the delimiter and the next empty line; `None` without a delimiter.
    pub fn take_expected(&mut self) -> Option<Vec<&'a str>> {
        if self.current() != DELIMITER {
            return None;
        }
        self.advance();
        Some(self.take_while(|line| !line.is_empty()))
    }

    fn take_while(&mut self, belongs: impl Fn(&str) -> bool) -> Vec<&'a str> {
        let start = self.position;
        while self.lines.get(self.position).is_some_and(|line| belongs(line)) {
            self.position += 1;
        }
        self.lines[start..self.position].to_vec()
    }
}

/// Splits a directive at white space.
pub fn tokenize(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn is_blank_or_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}
