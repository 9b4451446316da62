//! Directives of one line that change the run or its settings.

use std::time::Duration;

use super::ParseErrorKind;
use crate::script::{CommandKind, OutputMode, Requirement};

const SINGLE_LINE: [&str; 19] = [
    "concurrentforeach",
    "concurrentloop",
    "endloop",
    "foreach",
    "halt",
    "hash-threshold",
    "load",
    "loop",
    "mode",
    "reconnect",
    "require",
    "require-env",
    "reset",
    "restart",
    "set",
    "sleep",
    "tags",
    "test-env",
    "unzip",
];

pub fn is_single_line(directive: &str) -> bool {
    SINGLE_LINE.contains(&directive)
}

pub fn is_known(directive: &str) -> bool {
    is_single_line(directive) || matches!(directive, "statement" | "query")
}

/// Parses a directive that stands for itself.
pub fn parse(directive: &str, parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    match directive {
        "require" => requirement(parameters).map(CommandKind::Require),
        "require-env" => require_env(parameters),
        "test-env" => match parameters {
            [name, default] => Ok(CommandKind::TestEnv {
                name: (*name).to_owned(),
                default: (*default).to_owned(),
            }),
            _ => Err(ParseErrorKind::Usage("test-env NAME DEFAULT")),
        },
        "load" => load(parameters),
        "restart" => match parameters {
            [] => Ok(CommandKind::Restart {
                reload_extensions: true,
            }),
            ["no_extension_load"] => Ok(CommandKind::Restart {
                reload_extensions: false,
            }),
            _ => Err(ParseErrorKind::Usage("restart [no_extension_load]")),
        },
        "reconnect" => match parameters {
            [] => Ok(CommandKind::Reconnect),
            _ => Err(ParseErrorKind::Usage("reconnect")),
        },
        "mode" => mode(parameters),
        "set" => set(parameters),
        "reset" => match parameters {
            ["label", label] => Ok(CommandKind::ResetLabel((*label).to_owned())),
            _ => Err(ParseErrorKind::Usage("reset label NAME")),
        },
        "sleep" => sleep(parameters),
        "unzip" => unzip(parameters),
        _ => Err(ParseErrorKind::UnknownDirective(directive.to_owned())),
    }
}

fn require_env(parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    let (name, value) = match parameters {
        [name] => (name, None),
        [name, value] => (name, Some((*value).to_owned())),
        _ => return Err(ParseErrorKind::Usage("require-env NAME [VALUE]")),
    };
    Ok(CommandKind::RequireEnv {
        name: (*name).to_owned(),
        value,
    })
}

fn load(parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    let (path, access, version) = match parameters {
        [] => (None, "readwrite", None),
        [path] => (Some(*path), "readwrite", None),
        [path, access] => (Some(*path), *access, None),
        [path, access, version] => (Some(*path), *access, Some(*version)),
        _ => {
            return Err(ParseErrorKind::Usage(
                "load [PATH [readonly|readwrite [STORAGE VERSION]]]",
            ));
        }
    };
    let read_only = match access.to_ascii_lowercase().as_str() {
        "readonly" => true,
        "readwrite" => false,
        _ => {
            return Err(ParseErrorKind::Usage(
                "load [PATH [readonly|readwrite [STORAGE VERSION]]]",
            ));
        }
    };
    Ok(CommandKind::Load {
        path: path.map(str::to_owned),
        read_only,
        storage_version: version.map(str::to_owned),
    })
}

fn mode(parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    let mode = match parameters {
        ["output_result"] => OutputMode::Result,
        ["output_hash"] => OutputMode::Hash,
        ["debug"] => OutputMode::Debug,
        ["no_output"] => OutputMode::Quiet,
        [unknown] => return Err(ParseErrorKind::UnknownMode((*unknown).to_owned())),
        _ => {
            return Err(ParseErrorKind::Usage(
                "mode skip|unskip|output_result|output_hash|debug|no_output",
            ));
        }
    };
    Ok(CommandKind::OutputMode(mode))
}

/// `set ignore_error_messages one text, another`, and so on.
fn set(parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    let messages = |words: &[&str]| {
        let text = words.join(" ");
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    match parameters {
        ["ignore_error_messages", words @ ..] => Ok(CommandKind::IgnoreErrorMessages(messages(words))),
        ["always_fail_error_messages", words @ ..] => Ok(CommandKind::AlwaysFailErrorMessages(messages(words))),
        ["seed", seed] if seed.parse::<f64>().is_ok() => Ok(CommandKind::Seed((*seed).to_owned())),
        ["seed", ..] => Err(ParseErrorKind::Usage("set seed NUMBER")),
        [unknown, ..] => Err(ParseErrorKind::UnknownSetting((*unknown).to_owned())),
        [] => Err(ParseErrorKind::Usage("set SETTING [VALUE…]")),
    }
}

fn sleep(parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    let &[amount, unit] = parameters else {
        return Err(ParseErrorKind::Usage("sleep NUMBER UNIT"));
    };
    let amount: u64 = amount
        .parse()
        .map_err(|_| ParseErrorKind::NotANumber(amount.to_owned()))?;
    let duration = match unit {
        "second" | "seconds" | "sec" => Duration::from_secs(amount),
        "millisecond" | "milliseconds" | "milli" => Duration::from_millis(amount),
        "microsecond" | "microseconds" | "micro" => Duration::from_micros(amount),
        "nanosecond" | "nanoseconds" | "nano" => Duration::from_nanos(amount),
        _ => return Err(ParseErrorKind::UnknownUnit(unit.to_owned())),
    };
    Ok(CommandKind::Sleep(duration))
}

fn unzip(parameters: &[&str]) -> Result<CommandKind, ParseErrorKind> {
    match parameters {
        [source] | [source, "NULL"] if source.ends_with(".gz") => Ok(CommandKind::Unzip {
            source: (*source).to_owned(),
            target: None,
        }),
        [source, target] if source.ends_with(".gz") => Ok(CommandKind::Unzip {
            source: (*source).to_owned(),
            target: Some((*target).to_owned()),
        }),
        _ => Err(ParseErrorKind::Usage("unzip FILE.gz [TARGET]")),
    }
}

fn requirement(parameters: &[&str]) -> Result<Requirement, ParseErrorKind> {
    let Some((&name, arguments)) = parameters.split_first() else {
        return Err(ParseErrorKind::Usage("require NAME"));
    };
    let name = name.to_ascii_lowercase();
    let number = || match arguments {
        [number] => number
            .parse::<u64>()
            .map_err(|_| ParseErrorKind::NotANumber((*number).to_owned())),
        _ => Err(ParseErrorKind::Usage(
            "require vector_size|exact_vector_size|block_size NUMBER",
        )),
    };
    let platform = |met: bool| {
        Ok(Requirement::Platform {
            name: name.clone(),
            met,
        })
    };
    match name.as_str() {
        "vector_size" => return number().map(Requirement::VectorSize),
        "exact_vector_size" => return number().map(Requirement::ExactVectorSize),
        "block_size" => return number().map(Requirement::BlockSize),
        "ram" | "disk_space" => return Err(ParseErrorKind::UnsupportedRequirement(name)),
        "no_extension_autoloading" => {
            let explanation = arguments.join(" ");
            let explained = ["\"EXPECTED", "\"FIXME"]
                .iter()
                .any(|start| explanation.starts_with(start));
            return if explained {
                platform(true)
            } else {
                Err(ParseErrorKind::UnexplainedAutoloading)
            };
        }
        _ if !arguments.is_empty() => return Err(ParseErrorKind::Usage("require NAME")),
        _ => {}
    }
    match name.as_str() {
        "duckherder" => Ok(Requirement::Duckherder),
        "duckling" => Ok(Requirement::Duckling),
        "duckling_icu" => Ok(Requirement::DucklingIcu),
        "windows" => platform(cfg!(windows)),
        "notwindows" => platform(!cfg!(windows)),
        "mingw" => platform(cfg!(all(windows, target_env = "gnu"))),
        "notmingw" => platform(!cfg!(all(windows, target_env = "gnu"))),
        "notmusl" => platform(!cfg!(target_env = "musl")),
        "64bit" => platform(cfg!(target_pointer_width = "64")),
        // Rust has no long double; DuckDB's own is 80 bits wide on x86 only.
        "longdouble" => platform(cfg!(target_arch = "x86_64")),
        // Properties of DuckDB's debugging builds, which this one is not.
        "noforcestorage"
        | "nothreadsan"
        | "strinline"
        | "noalternativeverify"
        | "no_alternative_verify"
        | "no_block_verification"
        | "no_vector_verification"
        | "skip_reload" => platform(true),
        _ => Ok(Requirement::Extension(name)),
    }
}
