//! The variables of a run, and the loops around a command: what `${name}` and `{name}` stand for.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Captures, Regex};
use uuid::Uuid;

use crate::script::{Comparison, Loop, LoopCondition};

static FREE_PORT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$?\{(FREE_PORT\d*)\}").expect("the pattern is valid"));

/// The variables of one run of a file.
pub struct Variables {
    test_dir: PathBuf,
    named: BTreeMap<String, String>,
    /// Chosen when first used, the same ever after.
    free_ports: Mutex<BTreeMap<String, u16>>,
}

impl Variables {
    pub fn new(test_dir: PathBuf) -> Self {
        let text = test_dir.to_string_lossy().into_owned();
        let named = BTreeMap::from([("TEST_DIR".to_owned(), text)]);
        Self {
            test_dir,
            named,
            free_ports: Mutex::default(),
        }
    }

    pub fn test_dir(&self) -> &Path {
        &self.test_dir
    }

    /// Defines a variable; false when there is one of that name.
    pub fn define(&mut self, name: &str, value: String) -> bool {
        let known = self.named.contains_key(name);
        if !known {
            self.named.insert(name.to_owned(), value);
        }
        !known
    }

    fn substitute(&self, text: &str) -> io::Result<String> {
        let mut text = text.to_owned();
        if text.contains("{FREE_PORT") {
            text = self.substitute_ports(&text)?;
        }
        for (name, value) in &self.named {
            text = replace(&text, name, value);
        }
        if text.contains("{UUID}") {
            text = replace(&text, "UUID", &Uuid::new_v4().to_string());
        }
        if text.contains("__WORKING_DIRECTORY__") {
            text = text.replace("__WORKING_DIRECTORY__", &std::env::current_dir()?.to_string_lossy());
        }
        Ok(text.replace("__TEST_DIR__", &self.test_dir.to_string_lossy()))
    }

    fn substitute_ports(&self, text: &str) -> io::Result<String> {
        let mut ports = self.free_ports.lock().unwrap_or_else(PoisonError::into_inner);
        for captures in FREE_PORT.captures_iter(text) {
            let name = &captures[1];
            if !ports.contains_key(name) {
                let port = free_port(|port| ports.values().any(|taken| *taken == port))?;
                ports.insert(name.to_owned(), port);
            }
        }
        let port_of = |captures: &Captures<'_>| ports[&captures[1]].to_string();
        Ok(FREE_PORT.replace_all(text, port_of).into_owned())
    }
}

/// Finds a TCP port on the loopback interface that nobody listens on.
///
/// # Errors
/// When the kernel has none left.
pub fn free_port(is_taken: impl Fn(u16) -> bool) -> io::Result<u16> {
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        if !is_taken(port) {
            return Ok(port);
        }
    }
}

/// The loops around the command that runs, outermost first.
#[derive(Debug, Clone, Default)]
pub struct Bindings(Vec<(String, String)>);

impl Bindings {
    /// Adds one iteration of a loop inside these.
    pub fn with(&self, header: &Loop, iteration: &[String]) -> Self {
        let inner = header.names.iter().cloned().zip(iteration.iter().cloned());
        Self(self.0.iter().cloned().chain(inner).collect())
    }

    pub fn to_vec(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// Replaces loop variables, then the variables of the run, which values of a loop may use.
    ///
    /// # Errors
    /// When a free port is asked for and there is none.
    pub fn substitute(&self, variables: &Variables, text: &str) -> io::Result<String> {
        // Innermost first: it hides an outer variable of the same name.
        let text = self
            .0
            .iter()
            .rev()
            .fold(text.to_owned(), |text, (name, value)| replace(&text, name, value));
        variables.substitute(&text)
    }

    /// Tells whether all conditions let a command run.
    pub fn satisfy(&self, conditions: &[LoopCondition]) -> bool {
        conditions.iter().all(|condition| {
            let value = self
                .0
                .iter()
                .rev()
                .find(|(name, _)| *name == condition.variable)
                .map(|(_, value)| value);
            value.is_some_and(|value| holds(condition, value) != condition.skip)
        })
    }
}

fn holds(condition: &LoopCondition, value: &str) -> bool {
    let by_order = |accepts: fn(&i64, &i64) -> bool| match (value.parse::<i64>(), condition.value.parse::<i64>()) {
        (Ok(value), Ok(limit)) => accepts(&value, &limit),
        _ => false,
    };
    match condition.comparison {
        Comparison::Equal => value == condition.value,
        Comparison::NotEqual => value != condition.value,
        Comparison::Less => by_order(i64::lt),
        Comparison::LessOrEqual => by_order(i64::le),
        Comparison::Greater => by_order(i64::gt),
        Comparison::GreaterOrEqual => by_order(i64::ge),
    }
}

fn replace(text: &str, name: &str, value: &str) -> String {
    text.replace(&format!("${{{name}}}"), value)
        .replace(&format!("{{{name}}}"), value)
}
