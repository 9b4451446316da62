//! Logs: what is logged, and how it looks. They go to standard error.

use std::env::{VarError, var};
use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use super::CliError;
use super::arguments::{Arguments, LogFormat, LogLevel};

const FILTER_VARIABLE: &str = "DUCKLING_LOG";

/// Start logging as the arguments and the environment say.
///
/// # Errors
/// `Environment` if the environment variable is not a filter.
pub fn start(arguments: &Arguments) -> Result<(), CliError> {
    let malformed = |reason: String| CliError::Environment {
        name: FILTER_VARIABLE,
        reason,
    };
    let directives = match var(FILTER_VARIABLE) {
        Ok(directives) if !directives.is_empty() && !arguments.log_level_is_given => directives,
        Ok(_) | Err(VarError::NotPresent) => directives(arguments.log_level),
        Err(error @ VarError::NotUnicode(_)) => return Err(malformed(error.to_string())),
    };
    let filter = EnvFilter::try_new(directives).map_err(|error| malformed(error.to_string()))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // It reports a failed write to standard error, and panics if that fails too: a server whose log nobody reads any
        // more would go on without the tasks that wanted to log.
        .log_internal_errors(false);
    match arguments.log_format {
        LogFormat::Human => logs.with_ansi(stderr().is_terminal()).init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}

/// Of the libraries below us, no more than their warnings and notices: their details would bury ours.
fn directives(level: LogLevel) -> String {
    let name = |level: LogLevel| match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    format!("{},duckling_server={}", name(level.min(LogLevel::Info)), name(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_stay_quiet() {
        assert_eq!(directives(LogLevel::Off), "off,duckling_server=off");
        assert_eq!(directives(LogLevel::Info), "info,duckling_server=info");
        assert_eq!(directives(LogLevel::Debug), "info,duckling_server=debug");
    }
}
