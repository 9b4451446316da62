//! What a statement runs under: the client's settings, and whether a transaction begins with it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::connection::Connection;
use super::error::EngineError;
use super::icu::{has_icu, holds_without_icu};
use super::progress::Progress;
use super::quote_identifier;

/// What a statement runs under.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Begin a transaction that stays open, unless there is one. Otherwise the statement runs as the connection stands:
    /// in its open transaction, or in one of its own.
    pub begin: bool,
    /// DuckDB settings by name; they stay until another statement brings others.
    pub settings: Vec<(String, String)>,
    /// When the client's transaction began, in microseconds since 1970, UTC; the statement's `now()`. `None`: when it begins
    /// here.
    pub started_us: Option<i64>,
    /// Follows the statement while it runs, if anybody wants to know how far it is.
    pub progress: Option<Progress>,
}

impl Conditions {
    /// With the session's settings as they are.
    pub fn beginning(begin: bool) -> Self {
        Self {
            begin,
            ..Self::default()
        }
    }
}

/// The settings that statements have brought so far.
#[derive(Default)]
pub(super) struct AppliedSettings(Mutex<HashMap<String, String>>);

impl AppliedSettings {
    /// Bring the connection into the state that a statement asks for.
    pub(super) fn establish(&self, connection: &Connection, conditions: &Conditions) -> Result<(), EngineError> {
        let mut applied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in &conditions.settings {
            if applied.get(name) != Some(value) {
                if !has_icu() && holds_without_icu(name, value)? {
                    continue;
                }
                // SESSION: plain SET changes several of them for the whole instance, and so for other clients.
                let literal = value.replace('\'', "''");
                connection.query(&format!("SET SESSION {} = '{literal}'", quote_identifier(name)))?;
                applied.insert(name.clone(), value.clone());
            }
        }
        connection.set_clock(conditions.started_us)?;
        if conditions.begin && !connection.in_transaction() {
            connection.query("BEGIN TRANSACTION")?;
        }
        // Costs a look at all pipelines whenever a task is done, so it is not left on.
        connection.track_progress(conditions.progress.is_some());
        Ok(())
    }
}
