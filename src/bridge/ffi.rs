//! `cpp/bridge.h` in Rust. The two must be changed together.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::slice;

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use crate::catalog::Catalog;
use crate::client::{Ingest, Progress, Results, Session};

/// Borrowed UTF-8, or other bytes where a field says so.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DhStr {
    data: *const c_char,
    len: usize,
}

impl DhStr {
    /// No text at all, as opposed to an empty one.
    pub const NULL: Self = Self {
        data: ptr::null(),
        len: 0,
    };

    /// # Safety
    /// The text outlives `'a`. What is not UTF-8 is read as an empty text.
    pub unsafe fn as_str<'a>(self) -> &'a str {
        if self.data.is_null() {
            return "";
        }
        // SAFETY: not null, and the caller vouches for its length and life.
        let bytes = unsafe { slice::from_raw_parts(self.data.cast::<u8>(), self.len) };
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl From<&[u8]> for DhStr {
    fn from(bytes: &[u8]) -> Self {
        Self {
            data: bytes.as_ptr().cast(),
            len: bytes.len(),
        }
    }
}

impl From<&str> for DhStr {
    fn from(text: &str) -> Self {
        Self {
            data: text.as_ptr().cast(),
            len: text.len(),
        }
    }
}

#[repr(C)]
pub struct DhErrorDetail {
    pub name: DhStr,
    pub value: DhStr,
}

#[repr(C)]
pub struct DhError {
    pub class_name: DhStr,
    pub message: DhStr,
    pub details: *const DhErrorDetail,
    pub detail_count: usize,
}

#[repr(C)]
pub struct DhInterrupt {
    reason: extern "C" fn(context: *mut c_void) -> DhStr,
    context: *mut c_void,
}

impl DhInterrupt {
    /// Why the statement is to stop, if it is.
    pub fn reason(&self) -> Option<&'static str> {
        let reason = (self.reason)(self.context);
        // SAFETY: C++ returns static texts.
        (!reason.data.is_null()).then(|| unsafe { reason.as_str() })
    }
}

#[repr(C)]
pub struct DhText {
    pub text: DhStr,
}

#[repr(C)]
pub struct DhQueryRecord {
    pub query_id: u64,
    pub has_user_name: bool,
    pub user_name: DhStr,
    pub session_id: DhStr,
    pub sql: DhStr,
    pub started_us: i64,
    pub duration_us: u64,
    pub rows: u64,
    pub sent_bytes: u64,
    pub cpu_us: u64,
    pub peak_memory_bytes: u64,
    pub spilled_bytes: u64,
    pub status: DhStr,
    pub has_error: bool,
    pub error: DhStr,
    pub is_distributed: bool,
    pub mode: DhStr,
    pub merge: DhStr,
    pub workers: u64,
    pub tasks: u64,
    pub stages: u64,
    pub exchanged_rows: u64,
    pub exchanged_bytes: u64,
    pub worker_cpu_us: u64,
}

#[repr(C)]
pub struct DhQueryHistory {
    pub records: *const DhQueryRecord,
    pub record_count: usize,
}

#[repr(C)]
pub struct DhWorker {
    pub id: DhStr,
    pub address: DhStr,
    pub is_active: bool,
    pub threads: u64,
    pub memory_limit_bytes: u64,
    pub memory_used_bytes: u64,
    pub tasks_running: u64,
    pub tasks_done: u64,
    pub last_heartbeat_us: i64,
    pub version: DhStr,
}

#[repr(C)]
pub struct DhWorkers {
    pub workers: *const DhWorker,
    pub worker_count: usize,
}

#[repr(C)]
pub struct DhOption {
    pub name: DhStr,
    pub value: DhStr,
}

#[repr(C)]
pub struct DhTableIndex {
    pub unique: bool,
    pub primary: bool,
    pub foreign: bool,
    pub columns: *const u64,
    pub column_count: usize,
}

#[repr(C)]
pub struct DhEntry {
    pub kind: i32,
    pub schema: usize,
    pub name: DhStr,
    pub definition: DhStr,
    pub oid: u64,
    pub indexes: *const DhTableIndex,
    pub index_count: usize,
}

#[repr(C)]
pub struct DhEntryState {
    pub oid: u64,
    pub rows: u64,
    pub usage_count: u64,
    pub counter: i64,
    pub has_last_value: bool,
    pub last_value: i64,
    pub distinct_counts: *const u64,
    pub column_count: usize,
}

#[repr(C)]
pub struct DhSchema {
    pub path: *const DhStr,
    pub path_len: usize,
    pub internal: bool,
}

#[repr(C)]
pub struct DhSnapshot {
    pub is_unchanged: bool,
    pub version: u64,
    pub schemas: *const DhSchema,
    pub schema_count: usize,
    pub entries: *const DhEntry,
    pub entry_count: usize,
    pub states: *const DhEntryState,
    pub state_count: usize,
}

#[repr(C)]
pub struct DhStatement {
    pub sql: DhStr,
    pub mode: i32,
    pub begin: bool,
    pub writes: bool,
    pub settings: *const DhOption,
    pub setting_count: usize,
    pub started_us: i64,
    pub expected_columns: *const DhOption,
    pub expected_column_count: usize,
    pub progress: *const Progress,
}

#[repr(C)]
pub struct DhAnswer {
    pub return_kind: i32,
    pub read_only: bool,
    pub column_types: *const DhStr,
    pub column_type_count: usize,
    pub catalog_version: u64,
    pub has_run: bool,
    pub notices: *const DhStr,
    pub notice_count: usize,
}

#[repr(C)]
pub struct DhIngestTarget {
    pub create_sql: DhStr,
    pub schema: *const DhStr,
    pub schema_len: usize,
    pub table: DhStr,
    pub columns: *const DhStr,
    pub column_count: usize,
    pub begin: bool,
}

type Outcome = *mut DhError;
type Interrupt = *const DhInterrupt;

#[repr(C)]
pub struct DhCallbacks {
    pub error_free: extern "C" fn(*mut DhError),

    pub catalog_attach: extern "C" fn(DhStr, DhStr, *const DhOption, usize, Interrupt, *mut *mut Catalog) -> Outcome,
    pub catalog_free: extern "C" fn(*mut Catalog),
    pub catalog_display: extern "C" fn(*const Catalog) -> DhStr,
    pub catalog_database: extern "C" fn(*const Catalog) -> DhStr,
    pub catalog_has_database: extern "C" fn(*const Catalog, DhStr) -> bool,
    pub catalog_has_function: extern "C" fn(*const Catalog, DhStr) -> bool,

    pub session_open: extern "C" fn(*const Catalog, Interrupt, *mut *mut Session) -> Outcome,
    pub session_free: extern "C" fn(*mut Session),
    pub session_snapshot:
        extern "C" fn(*const Session, bool, *const u64, bool, Interrupt, *mut *mut DhSnapshot) -> Outcome,
    pub snapshot_free: extern "C" fn(*mut DhSnapshot),
    pub session_execute: extern "C" fn(
        *const Session,
        *const DhStatement,
        Interrupt,
        *mut FFI_ArrowSchema,
        *mut *mut DhAnswer,
        *mut *mut Results,
    ) -> Outcome,
    pub answer_free: extern "C" fn(*mut DhAnswer),
    pub progress_new: extern "C" fn(*mut *mut Progress) -> Outcome,
    pub progress_percent: extern "C" fn(*const Progress) -> f64,
    pub progress_free: extern "C" fn(*mut Progress),
    pub session_load_extension:
        extern "C" fn(*const Catalog, *const Session, DhStr, DhStr, DhStr, Interrupt, *mut *mut DhText) -> Outcome,
    pub text_free: extern "C" fn(*mut DhText),
    pub session_query_history: extern "C" fn(*const Session, bool, Interrupt, *mut *mut DhQueryHistory) -> Outcome,
    pub query_history_free: extern "C" fn(*mut DhQueryHistory),
    pub session_register_worker: extern "C" fn(*const Session, DhStr, DhStr, Interrupt) -> Outcome,
    pub session_unregister_worker: extern "C" fn(*const Session, DhStr, Interrupt) -> Outcome,
    pub session_register_driver: extern "C" fn(*const Session, DhStr, DhStr, Interrupt) -> Outcome,
    pub session_workers: extern "C" fn(*const Session, Interrupt, *mut *mut DhWorkers) -> Outcome,
    pub workers_free: extern "C" fn(*mut DhWorkers),
    pub session_end_transaction: extern "C" fn(*const Session, bool, Interrupt) -> Outcome,
    pub session_abandon_transaction: extern "C" fn(*const Session),

    pub stream_next: extern "C" fn(*mut Results, Interrupt, *mut FFI_ArrowArray) -> Outcome,
    pub stream_free: extern "C" fn(*mut Results),

    pub ingest_open: extern "C" fn(
        *const Session,
        *const DhIngestTarget,
        *mut FFI_ArrowSchema,
        Interrupt,
        *mut *mut IngestHandle,
    ) -> Outcome,
    pub ingest_push: extern "C" fn(*const IngestHandle, *mut FFI_ArrowArray, Interrupt) -> Outcome,
    pub ingest_finish: extern "C" fn(*const IngestHandle, Interrupt, *mut u64) -> Outcome,
    pub ingest_free: extern "C" fn(*mut IngestHandle),
}

/// A load, and the type of its rows, which C++ does not repeat with each batch.
pub struct IngestHandle {
    pub ingest: Ingest,
    pub schema: arrow::datatypes::SchemaRef,
}

unsafe extern "C" {
    pub fn dh_bridge_register(extension: *mut c_void, callbacks: *const DhCallbacks) -> *mut c_char;
    pub fn dh_message_free(message: *mut c_char);
}
