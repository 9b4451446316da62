//! `duckherder.QueryHistory`: what clients had the server run.

use std::time::{Duration, UNIX_EPOCH};

use duckling_protocol::{Distribution, QueryHistory, QueryRecord};

use crate::engine::{self, History};

/// All that is kept, oldest first.
pub fn answer(history: &History) -> QueryHistory {
    QueryHistory {
        records: history.records().into_iter().map(message).collect(),
    }
}

fn message(record: engine::QueryRecord) -> QueryRecord {
    let started = record.started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    QueryRecord {
        query_id: record.query_id,
        user_name: record.client.user_name.clone(),
        session_id: record.client.session_id.clone(),
        sql: record.sql,
        started_us: i64::try_from(started.as_micros()).unwrap_or(i64::MAX),
        duration_us: microseconds(record.duration),
        rows: record.rows,
        sent_bytes: record.sent_bytes,
        cpu_us: microseconds(Duration::from_nanos(record.usage.cpu_nanoseconds)),
        peak_memory_bytes: record.usage.peak_memory_bytes,
        spilled_bytes: record.usage.peak_temporary_bytes + record.spilled_result_bytes,
        status: record.status.into(),
        error: record.error,
        distribution: record.usage.distribution.map(|parts| Distribution {
            mode: parts.mode.to_string(),
            merge: parts.merge.to_string(),
            workers: parts.workers,
            tasks: parts.tasks,
            stages: parts.stages,
            exchanged_rows: parts.exchanged.rows,
            exchanged_bytes: parts.exchanged.bytes,
            cpu_us: microseconds(parts.cpu),
        }),
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
