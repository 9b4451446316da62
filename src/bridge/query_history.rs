//! A server's query history as C++ reads it.

use duckling_protocol::{Distribution, QueryRecord};

use super::ffi::{DhQueryHistory, DhQueryRecord, DhStr};

/// The view that C++ sees, and the texts it points into.
#[repr(C)]
pub struct QueryHistoryHandle {
    // First, so that a pointer to the handle is one to the view.
    view: DhQueryHistory,
    _views: Vec<DhQueryRecord>,
    _records: Vec<QueryRecord>,
}

impl QueryHistoryHandle {
    pub fn new(records: Vec<QueryRecord>) -> Self {
        // Both keep their heap addresses when the handle moves.
        let views: Vec<_> = records.iter().map(view).collect();
        Self {
            view: DhQueryHistory {
                records: views.as_ptr(),
                record_count: views.len(),
            },
            _views: views,
            _records: records,
        }
    }
}

fn view(record: &QueryRecord) -> DhQueryRecord {
    let optional = |text: &Option<String>| text.as_deref().map_or(DhStr::NULL, DhStr::from);
    let parts = record.distribution.as_ref();
    let count = |of: fn(&Distribution) -> u64| parts.map_or(0, of);
    DhQueryRecord {
        query_id: record.query_id,
        has_user_name: record.user_name.is_some(),
        user_name: optional(&record.user_name),
        session_id: record.session_id.as_str().into(),
        sql: record.sql.as_str().into(),
        started_us: record.started_us,
        duration_us: record.duration_us,
        rows: record.rows,
        sent_bytes: record.sent_bytes,
        cpu_us: record.cpu_us,
        peak_memory_bytes: record.peak_memory_bytes,
        spilled_bytes: record.spilled_bytes,
        status: record.status().name().into(),
        has_error: record.error.is_some(),
        error: optional(&record.error),
        is_distributed: parts.is_some(),
        mode: parts.map_or(DhStr::NULL, |parts| parts.mode.as_str().into()),
        merge: parts.map_or(DhStr::NULL, |parts| parts.merge.as_str().into()),
        workers: count(|parts| parts.workers),
        tasks: count(|parts| parts.tasks),
        stages: count(|parts| parts.stages),
        exchanged_rows: count(|parts| parts.exchanged_rows),
        exchanged_bytes: count(|parts| parts.exchanged_bytes),
        worker_cpu_us: count(|parts| parts.cpu_us),
    }
}
