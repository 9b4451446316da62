//! `unittest`: runs `test/sql/**/*.test` in DuckDB's sqllogictest dialect against the linked DuckDB and the extension.
//!
//! # What comes from the `sqllogictest` crate, and what does not
//! The crate parses plain records (`statement`, `query` with its types, sort mode, label and results, `hash-threshold`,
//! `halt`), see [`parser`]; its sort modes are used throughout; and it draws the difference between two results. Its
//! runner cannot serve: it has no loops, no concurrency, no restart and no labels, compares by white space instead of by
//! type, and knows neither hashes of single results nor regular expressions as values. So these are ours: the directives
//! of DuckDB ([`parser`]), their execution ([`runner`]), the comparison ([`compare`]), and processes ([`supervisor`]).
//!
//! # Where this differs from DuckDB's own runner
//! - A file is parsed as a whole before it runs. A concurrent loop sees the variables of the loops around it.
//! - No error is ignored by default (DuckDB ignores `HTTP` and `Unable to connect`, which are what we test).
//! - `restart` opens the database with the runner's settings; what the test changed with `SET` is gone.
//! - A loop that runs zero times is a mistake; `load` never deletes a file outside of the test directory.
//! - Missing: `require ram`, `require disk_space`, `foreach <all_types_columns>`, `statement debug`.
//! - Added: `require duckherder`, `require duckling`, `${DUCKLING_PORT}`, `${FREE_PORT}`, `${FREE_PORT2}` ….

mod artifacts;
mod compare;
mod database;
mod discover;
mod ffi;
mod parser;
mod report;
mod runner;
mod script;
mod server;
mod supervisor;
mod worker;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};

use artifacts::Artifacts;
use report::Totals;
use supervisor::{ServerKind, Supervisor, WORKER_ARGUMENT};
use worker::Assignment;

/// Run SQL tests.
#[derive(Parser)]
#[command(name = "unittest", version)]
struct Arguments {
    /// Files, directories, patterns with * ? [], or parts of paths; all tests without any
    filters: Vec<String>,
    /// List the runs instead of running them
    #[arg(long)]
    list: bool,
    /// Where the tests are [default: test/sql here or above]
    #[arg(long, value_name = "DIR")]
    test_dir: Option<PathBuf>,
    /// The kind of server for tests with `require duckling`
    #[arg(long, value_enum, default_value_t = Servers::Both)]
    server: Servers,
    /// The extension file [default: extension/duckherder/duckherder.duckdb_extension beside this program's directory]
    #[arg(long, value_name = "FILE")]
    extension: Option<PathBuf>,
    /// The stand-alone server [default: duckling-server beside this program's directory]
    #[arg(long, value_name = "FILE")]
    server_binary: Option<PathBuf>,
    /// How many files run at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// The time limit of each run
    #[arg(long, value_name = "N", default_value_t = 120)]
    timeout_secs: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Servers {
    /// Started by the extension inside the test process
    InProcess,
    /// A process of its own
    Standalone,
    /// One run with each
    Both,
}

impl Servers {
    fn kinds(self) -> &'static [ServerKind] {
        match self {
            Self::InProcess => &[ServerKind::InProcess],
            Self::Standalone => &[ServerKind::Standalone],
            Self::Both => &[ServerKind::InProcess, ServerKind::Standalone],
        }
    }
}

fn main() -> ExitCode {
    let raw: Vec<String> = std::env::args().skip(1).collect();
    if raw.first().is_some_and(|first| first == WORKER_ARGUMENT) {
        return match Assignment::from_arguments(&raw[1..]) {
            Some(assignment) => std::process::exit(worker::run(assignment)),
            None => ExitCode::FAILURE,
        };
    }
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all runs passed.
fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let directory = match arguments.test_dir {
        Some(directory) => std::path::absolute(&directory).context("cannot find the test directory")?,
        None => discover::default_directory()?,
    };
    let files = discover::test_files(&directory, &arguments.filters)?;
    let runs = supervisor::plan(files, arguments.server.kinds());
    let mut out = std::io::stdout();
    if arguments.list {
        for run in &runs {
            writeln!(out, "{}", run.name())?;
        }
        return Ok(true);
    }
    let supervisor = Supervisor {
        artifacts: Artifacts::locate(arguments.extension, arguments.server_binary, &directory),
        time_limit: Duration::from_secs(arguments.timeout_secs),
        jobs: arguments.jobs,
    };
    let mut totals = Totals::default();
    supervisor.run_all(&runs, |report| {
        totals.add(report);
        // A closed pipe must not stop the tests: the exit code still tells.
        let _ = writeln!(out, "{report}").and_then(|()| out.flush());
    });
    writeln!(out, "{totals}")?;
    Ok(totals.success())
}
