//! How the stand-alone server is told what to do: command line, configuration file, logging.

mod arguments;
mod config_file;
pub mod logging;
mod values;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};
use duckling_server::ConfigError;
use thiserror::Error;

pub use arguments::Arguments;
use config_file::Setting;

/// Why the server was told nonsense. Shown as one line.
#[derive(Debug, Error)]
pub enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("cannot read the configuration file {}", path.display())]
    UnreadableFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}, line {line}: {reason}", path.display())]
    File { path: PathBuf, line: usize, reason: String },
    #[error("--read-only {name}: there is no such database, the server has {known}")]
    UnknownReadOnly { name: String, known: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{name}: {reason}")]
    Environment { name: &'static str, reason: String },
}

/// What to do.
pub enum Invocation {
    Serve(Box<Arguments>),
    /// Print a text, such as the help, and end.
    Show(clap::Error),
}

/// Read the command line, program name first, and the configuration file that it names. The command line wins.
///
/// # Errors
/// For what is unknown, malformed or unreadable.
pub fn parse(command_line: impl IntoIterator<Item = OsString>) -> Result<Invocation, CliError> {
    let command_line: Vec<_> = command_line.into_iter().collect();
    let given = match Arguments::command().try_get_matches_from(&command_line) {
        Ok(given) => given,
        Err(error) if !error.use_stderr() => return Ok(Invocation::Show(error)),
        Err(error) => return Err(CliError::Usage(one_line(&error))),
    };
    let settings = match given.get_one::<PathBuf>("config") {
        Some(path) => config_file::read(path)?,
        None => Vec::new(),
    };
    let applies = |setting: &Setting| given.value_source(&setting.id) != Some(ValueSource::CommandLine);
    let from_file = settings
        .into_iter()
        .filter(applies)
        .flat_map(|setting| setting.arguments);
    let (program, rest) = command_line.split_at(command_line.len().min(1));
    let all = program.iter().cloned().chain(from_file).chain(rest.iter().cloned());
    Arguments::command()
        .try_get_matches_from(all)
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map(|mut arguments| {
            arguments.log_level_is_given = given.value_source("log_level") == Some(ValueSource::CommandLine);
            Invocation::Serve(Box::new(arguments))
        })
        .map_err(|error| CliError::Usage(one_line(&error)))
}

/// What clap complains about, without its usage text: logs and service managers show the first line.
fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = first.split_whitespace().collect();
    let mut line = words.join(" ");
    if let Some(rest) = line.strip_prefix("error: ") {
        line = rest.to_string();
    }
    match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(suggested)) => format!("{line}: did you mean '{suggested}'? See --help"),
        Some(ContextValue::Strings(suggested)) if !suggested.is_empty() => {
            format!("{line}: did you mean '{}'? See --help", suggested.join("' or '"))
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use duckling_server::{ClusterConfig, Config, DatabaseConfig};
    use tempfile::TempDir;

    use super::*;

    fn arguments(line: &[&str]) -> Result<Arguments, CliError> {
        let line = ["duckling-server"].iter().chain(line).map(OsString::from);
        match parse(line)? {
            Invocation::Serve(arguments) => Ok(*arguments),
            Invocation::Show(text) => panic!("{text}"),
        }
    }

    fn config(line: &[&str]) -> Result<Config, CliError> {
        arguments(line)?.config()
    }

    fn message(line: &[&str]) -> String {
        config(line).expect_err("it makes no sense").to_string()
    }

    /// The configuration that a file and a command line make together.
    fn with_file(file: &str, line: &[&str]) -> Result<Config, CliError> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("duckling.toml");
        fs::write(&path, file).unwrap();
        let path = path.to_string_lossy().into_owned();
        config(&[&["--config", &path], line].concat())
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        assert_eq!(config(&[]).unwrap(), Config::default());
        let arguments = arguments(&[]).unwrap();
        assert_eq!(arguments.listen, "127.0.0.1:8815");
        assert!(!arguments.insecure);
    }

    #[test]
    fn every_flag_arrives() {
        let config = config(&[
            "--database=sales=/data/x.duckdb",
            "--database",
            "scratch=:memory:",
            "--database",
            "hr.db",
            "--default-database=HR",
            "--read-only=Sales",
            "--threads=3",
            "--allow-unsigned-extensions",
            "--memory-limit=2GB",
            "--temp-dir=/var/spill",
            "--storage=/mnt/tables",
            "--default-table-kind=distributed",
            "--table-care-interval=5m",
            "--max-sessions=7",
            "--session-idle-timeout=10m",
            "--disconnect-timeout=1500ms",
            "--statement-timeout=1h 30m",
            "--query-history=50",
            "--drain-timeout=0s",
            "--join=driver:8815",
            "--worker-id=w1",
            "--advertise=[::1]:9000",
            "--worker-timeout=2s",
        ])
        .unwrap();
        let expected = Config {
            databases: vec![
                DatabaseConfig {
                    name: "sales".into(),
                    path: Some("/data/x.duckdb".into()),
                    read_only: true,
                },
                DatabaseConfig::in_memory("scratch"),
                DatabaseConfig {
                    name: "hr".into(),
                    path: Some("hr.db".into()),
                    read_only: false,
                },
            ],
            default_database: Some("HR".into()),
            threads: Some(3),
            memory_limit: Some("2GB".into()),
            temp_dir: Some("/var/spill".into()),
            storage: Some("/mnt/tables".into()),
            distributed_by_default: true,
            table_care_interval: Duration::from_secs(300),
            max_sessions: 7,
            session_idle_timeout: Duration::from_secs(600),
            disconnect_timeout: Duration::from_millis(1500),
            statement_timeout: Some(Duration::from_secs(5400)),
            query_history: 50,
            drain_timeout: Duration::ZERO,
            allow_unsigned_extensions: true,
            cluster: ClusterConfig {
                join: Some("driver:8815".into()),
                worker_id: Some("w1".into()),
                advertise: Some("[::1]:9000".into()),
                worker_timeout: Duration::from_secs(2),
            },
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn a_file_says_the_same_in_the_same_words() {
        let file = r#"
            database = ["sales=/data/x.duckdb", ":memory:"]
            default-database = "memory"
            read-only = ["sales"]
            threads = 2
            memory-limit = "60%"
            session-idle-timeout = "90s"
            statement-timeout = "5s"
            query-history = 0
            join = "localhost:8815"
            worker-id = "w1"
            worker-timeout = "500ms"
        "#;
        let line = [
            "--database=sales=/data/x.duckdb",
            "--database=:memory:",
            "--default-database=memory",
            "--read-only=sales",
            "--threads=2",
            "--memory-limit=60%",
            "--session-idle-timeout=90s",
            "--statement-timeout=5s",
            "--query-history=0",
            "--join=localhost:8815",
            "--worker-id=w1",
            "--worker-timeout=500ms",
        ];
        assert_eq!(with_file(file, &[]).unwrap(), config(&line).unwrap());
    }

    #[test]
    fn the_command_line_wins() {
        let file = "database = [\"a=/a\", \"b=/b\"]\nthreads = 2\nmax-sessions = 5\n";
        let config = with_file(file, &["--database", "c=/c", "--threads", "4"]).unwrap();
        let names: Vec<_> = config.databases.iter().map(|database| database.name.as_str()).collect();
        assert_eq!(names, ["c"], "a list is replaced, not extended");
        assert_eq!(config.threads, Some(4));
        assert_eq!(config.max_sessions, 5, "what the command line does not say");
        // A default that is given still wins over the file.
        let config = with_file("max-sessions = 5\n", &["--max-sessions", "1000"]).unwrap();
        assert_eq!(config.max_sessions, 1000);
    }

    #[test]
    fn bad_lines_of_a_file_are_named() {
        let message = |file: &str| with_file(file, &[]).expect_err(file).to_string();
        let unknown = message("threads = 1\nthread = 2\n");
        assert!(
            unknown.contains("duckling.toml, line 2: unknown key \"thread\""),
            "{unknown}"
        );
        assert!(
            unknown.contains("listen") && unknown.contains("drain-timeout"),
            "{unknown}"
        );
        for (file, line, reason) in [
            ("config = \"x\"", 1, "unknown key"),
            ("\nthreads = 0", 2, "--threads"),
            ("threads = \"many\"", 1, "--threads"),
            ("memory-limit = \"4XB\"", 1, "--memory-limit"),
            ("\n\nstatement-timeout = 90", 3, "unit"),
            ("database = \"sales=x\"", 1, "[\"…\", \"…\"]"),
            ("database = [\"=x\"]", 1, "name"),
            ("database = [1]", 1, "string"),
            ("threads = [1, 2]", 1, "one value"),
            ("insecure = \"yes\"", 1, "true or false"),
            ("threads = true", 1, "a string or a number"),
            ("[database]\nsales = \"x\"", 1, "[\"…\", \"…\"]"),
            ("threads = ", 1, ""),
            ("threads = 1\nthreads = 2\n", 2, "duplicate key threads"),
            ("log-level = \"loud\"", 1, "--log-level"),
        ] {
            let text = message(file);
            assert!(text.contains(&format!("line {line}: ")), "{file}: {text}");
            assert!(text.contains(reason), "{file}: {text}");
            assert!(!text.contains('\n'), "{file}: {text}");
        }
    }

    #[test]
    fn bad_flags_are_named_in_one_line() {
        for (line, expected) in [
            (&["--thread=1"][..], "'--threads'"),
            (&["--frobnicate"], "--frobnicate"),
            (&["positional"], "positional"),
            (&["--threads=0"], "--threads"),
            (&["--threads=-1"], "--threads"),
            (&["--threads=two"], "--threads"),
            (&["--threads"], "--threads"),
            (&["--threads=1", "--threads=2"], "cannot be used multiple times"),
            (&["--memory-limit=4XB"], "4XB"),
            (&["--memory-limit="], "--memory-limit"),
            (&["--max-sessions=0"], "--max-sessions"),
            (&["--query-history=-1"], "--query-history"),
            (&["--join=8815"], "HOST:PORT"),
            (&["--join=grpc://localhost:8815"], "HOST:PORT"),
            (&["--advertise=0.0.0.0"], "HOST:PORT"),
            (&["--worker-id="], "--worker-id"),
            (&["--worker-timeout=0s"], "longer than 0"),
            (&["--session-idle-timeout=90"], "unit"),
            (&["--session-idle-timeout=0s"], "longer than 0"),
            (&["--statement-timeout=0s"], "longer than 0"),
            (&["--statement-timeout=soon"], "--statement-timeout"),
            (&["--log-level=loud"], "debug"),
            (&["--log-format=xml"], "json"),
            (&["--database="], "--database"),
            (&["--database==x"], "name"),
            (&["--database=x="], "path"),
            (&["--database=/"], "NAME=PATH"),
            (
                &["--database=a=:memory:", "--database=A=/x"],
                "two databases are named \"A\"",
            ),
            (&["--database=system=/x"], "\"system\""),
            (&["--database=temp=:memory:"], "\"temp\""),
            (&["--read-only=nope"], "\"memory\""),
            (&["--read-only=memory"], "in memory and cannot be read-only"),
            (&["--database=a=/x", "--default-database=b"], "the server has \"a\""),
            (&["--config=/does/not/exist.toml"], "/does/not/exist.toml"),
        ] {
            let text = message(line);
            assert!(text.contains(expected), "{line:?}: {text}");
            assert!(!text.contains('\n'), "{line:?}: {text}");
        }
    }

    #[test]
    fn a_path_with_an_equals_sign_needs_no_name() {
        let path = |value: &str| config(&["--database", value]).unwrap().databases.remove(0);
        assert_eq!(path("/data/a=b.duckdb").name, "a=b");
        assert_eq!(path("./a=b.duckdb").path, Some("./a=b.duckdb".into()));
        assert_eq!(path("x=/data/a=b.duckdb").path, Some("/data/a=b.duckdb".into()));
    }

    #[test]
    fn help_tells_every_flag_and_its_default() {
        let help = Arguments::command().render_long_help().to_string();
        for flag in Arguments::command().get_arguments().filter_map(|flag| flag.get_long()) {
            assert!(help.contains(&format!("--{flag}")), "{flag}");
        }
        for default in ["127.0.0.1:8815", "1000", "1h", "5s", "30s", "info", "human"] {
            assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
        }
        Arguments::command().debug_assert();
    }
}
