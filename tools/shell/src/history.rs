//! The history file, in the format of DuckDB's shell, which shares it: an entry per line, the lines of an entry joined
//! by a carriage return and a line feed.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Names another history file; empty for none.
const HISTORY_VARIABLE: &str = "DUCKDB_HISTORY";
const HISTORY_FILE: &str = ".duckdb_history";
/// Entries that are kept, as in DuckDB's shell.
pub const MAX_ENTRIES: usize = 1000;

/// The history file, if there is one.
pub struct HistoryFile(Option<PathBuf>);

impl HistoryFile {
    /// The file that the environment names.
    pub fn from_environment() -> Self {
        let path = match env::var_os(HISTORY_VARIABLE) {
            Some(path) => Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty()),
            None => env::home_dir().map(|home| home.join(HISTORY_FILE)),
        };
        Self(path)
    }

    /// Read the last entries, oldest first, and shorten a file that has grown far beyond them.
    pub fn load(&self) -> io::Result<Vec<String>> {
        let Some(path) = &self.0 else {
            return Ok(Vec::new());
        };
        let text = match fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut entries = decode(&text);
        let surplus = entries.len().saturating_sub(MAX_ENTRIES);
        entries.drain(..surplus);
        if surplus >= MAX_ENTRIES {
            fs::write(path, entries.iter().map(|entry| encode(entry)).collect::<String>())?;
        }
        Ok(entries)
    }

    /// Add an entry at the end.
    pub fn append(&self, entry: &str) -> io::Result<()> {
        self.0.as_deref().map_or(Ok(()), |path| append_to(path, entry))
    }
}

fn append_to(path: &Path, entry: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // Statements may hold secrets.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(encode(entry).as_bytes())
}

fn encode(entry: &str) -> String {
    format!("{}\n", entry.replace('\n', "\r\n"))
}

fn decode(text: &str) -> Vec<String> {
    let mut entries = Vec::new();
    let mut entry = String::new();
    for line in text.split_terminator('\n') {
        match line.strip_suffix('\r') {
            Some(line) => {
                entry.push_str(line);
                entry.push('\n');
            }
            None => {
                entry.push_str(line);
                entries.push(std::mem::take(&mut entry));
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_the_file() {
        let entries = ["SELECT 1;", "SELECT\n  2;", ".mode csv"];
        let text: String = entries.iter().map(|entry| encode(entry)).collect();
        assert_eq!(decode(&text), entries);
    }
}
