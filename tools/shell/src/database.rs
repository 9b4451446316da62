//! Opens a database as the shell wants it and loads the Duckherder extension into it.

use std::env;
use std::path::PathBuf;

use crate::bridge::{Connection, Session};
use crate::error::ShellError;
use crate::sql::{self, quote_literal};

/// Where the extension lies, seen from the directory of the executable.
const EXTENSION_FILE: &str = "extension/duckherder/duckherder.duckdb_extension";
/// Names another extension file.
const EXTENSION_VARIABLE: &str = "DUCKHERDER_EXTENSION";

/// Which database to open, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// In memory if `None`.
    pub path: Option<String>,
    pub read_only: bool,
    pub unredacted_secrets: bool,
    pub storage_version: Option<String>,
}

impl OpenOptions {
    /// The database's file, `None` for one in memory, however that was written.
    pub fn file(&self) -> Option<&str> {
        self.path
            .as_deref()
            .filter(|path| !path.is_empty() && *path != ":memory:")
    }
}

/// Open a database; `show_progress` draws DuckDB's progress bar on standard output.
///
/// # Errors
/// DuckDB's own, for a file that cannot be opened or a setting that it does not know.
pub fn open(options: &OpenOptions, show_progress: bool) -> Result<Session, ShellError> {
    let mut settings = vec![("allow_unsigned_extensions", "true".to_owned())];
    if options.read_only {
        settings.push(("access_mode", "READ_ONLY".to_owned()));
    }
    if options.unredacted_secrets {
        settings.push(("allow_unredacted_secrets", "true".to_owned()));
    }
    if let Some(version) = &options.storage_version {
        settings.push(("storage_compatibility_version", version.clone()));
    }
    let path = options
        .path
        .as_deref()
        .filter(|path| !path.is_empty() && *path != ":memory:");
    Session::new(Connection::open(path, &settings)?, show_progress)
}

/// Load the Duckherder extension.
///
/// # Errors
/// One line that names the file and what to do; the shell works without the extension.
pub fn load_extension(session: &Session) -> Result<(), String> {
    let path = extension_path()?;
    if !path.is_file() {
        return Err(format!(
            "Duckherder is not loaded: there is no file {}; build it with `make`, or set {EXTENSION_VARIABLE}",
            path.display()
        ));
    }
    let statement = format!("LOAD {}", quote_literal(&path.to_string_lossy()));
    sql::run(session, &statement).map_err(|error| {
        let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        format!("Duckherder is not loaded: {}: {reason}", path.display())
    })
}

fn extension_path() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os(EXTENSION_VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    let executable = env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(|error| format!("Duckherder is not loaded: cannot find the shell's own directory: {error}"))?;
    Ok(executable.with_file_name("").join(EXTENSION_FILE))
}
