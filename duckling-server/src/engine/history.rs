//! What clients had the server run, and what it cost: the last statements, and those that run.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arrow::array::RecordBatch;
use duckling_protocol::{QueryStatus, shown_error, shown_sql};

use super::connection::{Connection, ReturnKind};
use super::error::EngineError;
use super::load::changed_rows;
use super::meter::{Meter, Usage};

/// The statements of all sessions of a server, up to a number. When there are more, the oldest that is over is forgotten.
pub struct History {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Arc<Entry>>,
    last_id: u64,
}

/// Whose statements are recorded.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub session_id: String,
    /// What the client called itself, if it did; nobody has checked it.
    pub user_name: Option<String>,
}

/// One statement, as it stood when the history was asked for.
#[derive(Clone, Debug)]
pub struct QueryRecord {
    pub query_id: u64,
    pub client: Arc<Client>,
    /// Without secrets, and cut off where it is very long.
    pub sql: String,
    pub started_at: SystemTime,
    /// From its arrival until its result was taken or given up; so far, if it runs.
    pub duration: Duration,
    /// Rows that were returned, or changed by a statement that counts them.
    pub rows: u64,
    pub sent_bytes: u64,
    pub usage: Usage,
    /// Of its result, which another statement of the session has pushed aside.
    pub spilled_result_bytes: u64,
    pub status: QueryStatus,
    pub error: Option<String>,
}

impl History {
    /// Keep the last `capacity` statements; none if that is 0.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: Mutex::default(),
        }
    }

    /// All that is kept, in the order in which the statements arrived.
    pub fn records(&self) -> Vec<QueryRecord> {
        // Statements must not wait for the copying.
        let entries = self.lock().entries.clone();
        entries.iter().map(|entry| entry.record()).collect()
    }

    /// A statement has arrived.
    pub(super) fn record(self: &Arc<Self>, client: &Arc<Client>, sql: &str) -> Recording {
        if self.capacity == 0 {
            return Recording::unlisted();
        }
        let mut entry = Entry::new(client.clone(), shown_sql(sql));
        let mut kept = self.lock();
        kept.last_id += 1;
        entry.query_id = kept.last_id;
        let entry = Arc::new(entry);
        if kept.entries.len() >= self.capacity {
            let oldest = kept.entries.iter().position(|entry| entry.is_over()).unwrap_or(0);
            kept.entries.remove(oldest);
        }
        kept.entries.push_back(entry.clone());
        Recording {
            entry,
            history: Some(self.clone()),
        }
    }

    fn remove(&self, entry: &Arc<Entry>) {
        let mut kept = self.lock();
        if let Some(index) = kept.entries.iter().rposition(|kept| Arc::ptr_eq(kept, entry)) {
            kept.entries.remove(index);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement in the history, or one of our own that is in none.
pub(super) struct Entry {
    query_id: u64,
    client: Arc<Client>,
    sql: String,
    started: Instant,
    started_at: SystemTime,
    progress: Mutex<Progress>,
}

struct Progress {
    rows: u64,
    sent_bytes: u64,
    spilled_result_bytes: u64,
    /// While DuckDB may still work on it.
    meter: Option<Arc<Meter>>,
    /// Afterwards.
    usage: Usage,
    return_kind: ReturnKind,
    /// It has run to its end, whatever becomes of its result.
    has_run: bool,
    /// It was told to stop.
    is_cancelled: bool,
    end: Option<End>,
}

struct End {
    duration: Duration,
    status: QueryStatus,
    error: Option<String>,
}

impl Entry {
    fn new(client: Arc<Client>, sql: String) -> Self {
        Self {
            query_id: 0,
            client,
            sql,
            started: Instant::now(),
            started_at: SystemTime::now(),
            progress: Mutex::new(Progress {
                rows: 0,
                sent_bytes: 0,
                spilled_result_bytes: 0,
                meter: None,
                usage: Usage::default(),
                return_kind: ReturnKind::Rows,
                has_run: false,
                is_cancelled: false,
                end: None,
            }),
        }
    }

    /// DuckDB begins to work on it.
    pub(super) fn begin_work(&self, connection: &Connection) {
        self.lock().meter = Some(connection.start_meter());
    }

    /// DuckDB does not work on it any more.
    pub(super) fn end_work(&self) {
        let mut progress = self.lock();
        if let Some(meter) = progress.meter.take() {
            progress.usage = meter.read();
        }
    }

    /// Whether DuckDB may be working on it now.
    pub(super) fn is_worked_on(&self) -> bool {
        self.lock().meter.is_some()
    }

    /// It was started; `has_run` if nothing of it is left to do.
    pub(super) fn start(&self, return_kind: ReturnKind, has_run: bool) {
        let mut progress = self.lock();
        progress.return_kind = return_kind;
        progress.has_run |= has_run;
    }

    /// DuckDB has produced a batch of its result.
    pub(super) fn produce(&self, batch: &RecordBatch) {
        let mut progress = self.lock();
        if progress.return_kind == ReturnKind::ChangedRows {
            let changed = changed_rows(std::slice::from_ref(batch)).unwrap_or(0);
            progress.rows += u64::try_from(changed).unwrap_or(0);
        }
    }

    /// DuckDB has produced all of its result. Without rows for the user, there is nothing to wait for.
    pub(super) fn produce_end(&self) {
        let mut progress = self.lock();
        progress.has_run = true;
        if progress.return_kind != ReturnKind::Rows {
            self.end(&mut progress, QueryStatus::Finished, None);
        }
    }

    /// The reader has taken what came next of its result.
    fn take(&self, next: Option<&Result<RecordBatch, EngineError>>) {
        match next {
            Some(Ok(batch)) => {
                let mut progress = self.lock();
                if progress.return_kind == ReturnKind::Rows {
                    progress.rows += batch.num_rows() as u64;
                }
            }
            Some(Err(error)) => self.conclude(Err(error)),
            None => self.conclude(Ok(())),
        }
    }

    /// Rows were changed, or loaded.
    pub(super) fn change(&self, rows: u64) {
        self.lock().rows += rows;
    }

    /// A batch of its result was written to disk.
    pub(super) fn spill(&self, bytes: u64) {
        self.lock().spilled_result_bytes += bytes;
    }

    /// It is told to stop.
    pub(super) fn cancel(&self) {
        self.lock().is_cancelled = true;
    }

    /// It is over.
    fn conclude(&self, outcome: Result<(), &EngineError>) {
        let mut progress = self.lock();
        let (status, error) = match outcome {
            Ok(()) => (QueryStatus::Finished, None),
            Err(error) if progress.is_cancelled && error.class == EngineError::INTERRUPT => {
                (QueryStatus::Cancelled, None)
            }
            Err(error) => {
                let error = shown_error(&self.sql, &error.class, &error.to_string());
                (QueryStatus::Failed, Some(error))
            }
        };
        self.end(&mut progress, status, error);
    }

    /// Nobody wants to know more of it.
    fn abandon(&self) {
        let mut progress = self.lock();
        let status = if progress.has_run {
            QueryStatus::Finished
        } else {
            QueryStatus::Cancelled
        };
        self.end(&mut progress, status, None);
    }

    fn end(&self, progress: &mut Progress, status: QueryStatus, error: Option<String>) {
        // The first to say how it ended knows.
        progress.end.get_or_insert_with(|| End {
            duration: self.started.elapsed(),
            status,
            error,
        });
    }

    fn is_over(&self) -> bool {
        self.lock().end.is_some()
    }

    fn record(&self) -> QueryRecord {
        let progress = self.lock();
        let end = progress.end.as_ref();
        QueryRecord {
            query_id: self.query_id,
            client: self.client.clone(),
            sql: self.sql.clone(),
            started_at: self.started_at,
            duration: end.map_or_else(|| self.started.elapsed(), |end| end.duration),
            rows: progress.rows,
            sent_bytes: progress.sent_bytes,
            usage: progress.meter.as_ref().map_or(progress.usage, |meter| meter.read()),
            spilled_result_bytes: progress.spilled_result_bytes,
            status: end.map_or(QueryStatus::Running, |end| end.status),
            error: end.and_then(|end| end.error.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement that is being recorded. Whoever works on it or reads its result holds this: when the last one drops it, the
/// record ends.
pub(super) struct Recording {
    entry: Arc<Entry>,
    history: Option<Arc<History>>,
}

impl Recording {
    /// For what is in no history.
    pub(super) fn unlisted() -> Self {
        Self {
            entry: Arc::new(Entry::new(Arc::default(), String::new())),
            history: None,
        }
    }

    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// See what a reader takes of the result.
    pub(super) fn see(&self, next: Option<&Result<RecordBatch, EngineError>>) {
        self.entry.take(next);
    }

    /// The statement is over, with its result or without.
    pub(super) fn conclude<T>(&self, outcome: Result<T, EngineError>) -> Result<T, EngineError> {
        self.entry.conclude(outcome.as_ref().map(drop));
        outcome
    }

    /// Nothing was to be run: it is worth a record only if it failed.
    pub(super) fn conclude_description<T>(&self, outcome: Result<T, EngineError>) -> Result<T, EngineError> {
        match &outcome {
            Ok(_) => self.discard(),
            Err(error) => self.entry.conclude(Err(error)),
        }
        outcome
    }

    /// There was no statement after all.
    fn discard(&self) {
        if let Some(history) = &self.history {
            history.remove(&self.entry);
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.entry.abandon();
    }
}

/// Counts what is sent of one result.
pub struct SentBytes(Arc<Entry>);

impl SentBytes {
    pub(super) fn of(recording: &Recording) -> Self {
        Self(recording.entry.clone())
    }

    /// A message of so many bytes goes out.
    pub fn add(&self, bytes: usize) {
        self.0.lock().sent_bytes += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(history: &History) -> Vec<(u64, String, QueryStatus)> {
        let records = history.records().into_iter();
        records
            .map(|record| (record.query_id, record.sql, record.status))
            .collect()
    }

    fn interrupted() -> EngineError {
        EngineError::new(EngineError::INTERRUPT, "Interrupted!")
    }

    #[test]
    fn the_oldest_that_is_over_goes_first() {
        let (history, client) = (Arc::new(History::new(2)), Arc::default());
        let long = history.record(&client, "long");
        for sql in ["a", "b", "c"] {
            history.record(&client, sql).conclude(Ok(())).unwrap();
        }
        let expected = [
            (1, "long".to_string(), QueryStatus::Running),
            (4, "c".to_string(), QueryStatus::Finished),
        ];
        assert_eq!(texts(&history), expected);
        // It is bounded even if all of them run.
        let running = [history.record(&client, "d"), history.record(&client, "e")];
        let expected = [
            (5, "d".to_string(), QueryStatus::Running),
            (6, "e".to_string(), QueryStatus::Running),
        ];
        assert_eq!(texts(&history), expected);
        drop((long, running));
        assert!(
            texts(&history)
                .iter()
                .all(|(.., status)| *status == QueryStatus::Cancelled)
        );
    }

    #[test]
    fn nothing_is_kept_by_a_history_of_0() {
        let history = Arc::new(History::new(0));
        let recording = history.record(&Arc::default(), "SELECT 1");
        assert!(history.records().is_empty());
        drop(recording);
        assert!(history.records().is_empty());
    }

    #[test]
    fn a_description_is_recorded_only_if_it_fails() {
        let (history, client) = (Arc::new(History::new(9)), Arc::default());
        history.record(&client, "good").conclude_description(Ok(())).unwrap();
        let error = EngineError::new("Catalog", "no such table");
        let outcome: Result<(), _> = history.record(&client, "bad").conclude_description(Err(error.clone()));
        assert_eq!(outcome, Err(error));
        let [record] = history.records().try_into().unwrap();
        assert_eq!((record.sql.as_str(), record.status), ("bad", QueryStatus::Failed));
        assert_eq!(record.error.as_deref(), Some("Catalog Error: no such table"));
    }

    #[test]
    fn only_what_was_told_to_stop_is_cancelled() {
        let (history, client) = (Arc::new(History::new(9)), Arc::default());
        let _ = history.record(&client, "timeout").conclude(Err::<(), _>(interrupted()));
        let recording = history.record(&client, "told");
        recording.entry().cancel();
        let _ = recording.conclude(Err::<(), _>(interrupted()));
        let committed = history.record(&client, "committed");
        committed.entry().start(ReturnKind::Rows, true);
        committed.entry().cancel();
        drop(committed);
        let status: Vec<_> = history.records().iter().map(|record| record.status).collect();
        let expected = [QueryStatus::Failed, QueryStatus::Cancelled, QueryStatus::Finished];
        assert_eq!(status, expected);
    }

    #[test]
    fn the_last_holder_tells_how_it_ended() {
        let history = Arc::new(History::new(9));
        let reader = Arc::new(history.record(&Arc::default(), "INSERT"));
        let worker = reader.clone();
        worker.entry().cancel();
        drop(reader);
        assert_eq!(texts(&history)[0].2, QueryStatus::Running);
        // Too late to stop it
        worker.entry().start(ReturnKind::Rows, true);
        drop(worker);
        assert_eq!(texts(&history)[0].2, QueryStatus::Finished);
    }

    #[test]
    fn a_count_needs_no_reader() {
        use arrow::array::{ArrayRef, Int64Array};
        let history = Arc::new(History::new(9));
        let recording = history.record(&Arc::default(), "UPDATE");
        let count: ArrayRef = Arc::new(Int64Array::from(vec![3]));
        recording.entry().start(ReturnKind::ChangedRows, true);
        recording
            .entry()
            .produce(&RecordBatch::try_from_iter([("Count", count)]).unwrap());
        recording.entry().produce_end();
        let [record] = history.records().try_into().unwrap();
        assert_eq!((record.rows, record.status), (3, QueryStatus::Finished));
    }
}
