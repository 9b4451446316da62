//! What this process has sent to servers, and how long it took.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use duckling_protocol::{shown_error, shown_sql};

use crate::error::Error;

/// Distinct statements that are kept; the one that was sent longest ago goes first.
const MAX_STATEMENTS: usize = 1000;
/// Latencies that are kept of one statement, the last ones.
const MAX_LATENCIES: usize = 1000;

static HISTORY: Mutex<Option<History>> = Mutex::new(None);

#[derive(Default)]
struct History {
    /// By text and server
    statements: HashMap<(String, String), QueryRecord>,
    sent: u64,
}

/// All executions of one statement on one server.
#[derive(Clone, Debug)]
pub struct QueryRecord {
    pub sql: String,
    /// `host:port`
    pub server: String,
    /// From sending it until its result was read or dropped; the last executions, oldest first.
    pub latencies: VecDeque<Duration>,
    pub executions: u64,
    pub rows: u64,
    /// Of Arrow data, as it lies in memory
    pub bytes: u64,
    pub errors: u64,
    pub last_error: Option<String>,
    pub first_started: SystemTime,
    pub last_started: SystemTime,
    /// Number of the first execution among all
    first: u64,
    /// Number of the last execution among all
    last: u64,
}

/// One execution that is going on; it is recorded when it is dropped.
pub struct Recording {
    sql: String,
    server: String,
    started: Instant,
    started_at: SystemTime,
    rows: u64,
    bytes: u64,
    error: Option<String>,
    is_execution: bool,
}

impl Recording {
    /// A statement is sent to a server.
    pub fn start(sql: &str, server: &str) -> Self {
        Self {
            sql: shown_sql(sql),
            server: server.to_string(),
            started: Instant::now(),
            started_at: SystemTime::now(),
            rows: 0,
            bytes: 0,
            error: None,
            is_execution: true,
        }
    }

    /// Rows were received, or sent.
    pub fn transferred(&mut self, rows: usize, bytes: usize) {
        self.rows += rows as u64;
        self.bytes += bytes as u64;
    }

    /// There was no execution after all.
    pub fn discard(&mut self) {
        self.is_execution = false;
    }

    /// The execution failed.
    pub fn failed(&mut self, error: &Error) {
        self.error = Some(shown_error(&self.sql, error.class(), &error.to_string()));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.is_execution {
            return;
        }
        let latency = self.started.elapsed();
        let mut history = lock();
        let history = history.get_or_insert_default();
        history.sent += 1;
        let number = history.sent;
        let (sql, server) = (std::mem::take(&mut self.sql), std::mem::take(&mut self.server));
        let record = history
            .statements
            .entry((sql.clone(), server.clone()))
            .or_insert_with(|| QueryRecord {
                sql,
                server,
                latencies: VecDeque::new(),
                executions: 0,
                rows: 0,
                bytes: 0,
                errors: 0,
                last_error: None,
                first_started: self.started_at,
                last_started: self.started_at,
                first: number,
                last: number,
            });
        record.last = number;
        record.executions += 1;
        record.rows += self.rows;
        record.bytes += self.bytes;
        record.last_started = self.started_at;
        record.latencies.push_back(latency);
        if record.latencies.len() > MAX_LATENCIES {
            record.latencies.pop_front();
        }
        if let Some(error) = self.error.take() {
            record.errors += 1;
            record.last_error = Some(error);
        }
        if history.statements.len() > MAX_STATEMENTS {
            let oldest = history.statements.iter().min_by_key(|(_, record)| record.last);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                history.statements.remove(&key);
            }
        }
    }
}

/// All that is recorded, in the order in which the statements were first sent.
pub fn query_history() -> Vec<QueryRecord> {
    let mut records: Vec<_> = lock()
        .as_ref()
        .map(|history| history.statements.values().cloned().collect())
        .unwrap_or_default();
    records.sort_by_key(|record: &QueryRecord| record.first);
    records
}

/// Forget all that is recorded.
pub fn clear_query_history() {
    *lock() = None;
}

fn lock() -> MutexGuard<'static, Option<History>> {
    HISTORY.lock().unwrap_or_else(PoisonError::into_inner)
}
