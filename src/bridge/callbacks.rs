//! What C++ may call: one function per entry of `dh_callbacks`.
//!
//! Each checks its handles, runs inside a guard, and leaves the work to `catalog` and `client`. Handles that C++ passes
//! came from here and are alive; strings and arrays it passes live for the call.

use std::ptr;
use std::slice;
use std::sync::Arc;

use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use duckling_protocol::{CatalogRequest, ExecuteAnswer, ExecuteMode, ExpectedColumn, LoadExtension, Setting};

use super::ffi::{
    DhAnswer, DhCallbacks, DhError, DhIngestTarget, DhInterrupt, DhOption, DhQueryHistory, DhSnapshot, DhStatement,
    DhStr, DhText, IngestHandle,
};
use super::guard::{error_free, guard, guard_infallible};
use super::handle::{borrow, borrow_mut, free, give};
use super::query_history::QueryHistoryHandle;
use super::snapshot::SnapshotHandle;
use super::workers::{
    session_register_driver, session_register_worker, session_unregister_worker, session_workers, workers_free,
};
use crate::catalog::Catalog;
use crate::client::{Ingest, IngestTarget, Progress, Results, Session, Statement};
use crate::error::{Error, Result};
use crate::options::AttachOptions;
use crate::runtime::{runtime, wait, wait_for_outcome};

pub static CALLBACKS: DhCallbacks = DhCallbacks {
    error_free,
    catalog_attach,
    catalog_free,
    catalog_display,
    catalog_database,
    catalog_has_database,
    catalog_has_function,
    session_open,
    session_free,
    session_snapshot,
    snapshot_free,
    session_execute,
    answer_free,
    progress_new,
    progress_percent,
    progress_free,
    session_load_extension,
    text_free,
    session_query_history,
    query_history_free,
    session_register_worker,
    session_unregister_worker,
    session_register_driver,
    session_workers,
    workers_free,
    session_end_transaction,
    session_abandon_transaction,
    stream_next,
    stream_free,
    ingest_open,
    ingest_push,
    ingest_finish,
    ingest_free,
};

extern "C" fn catalog_attach(
    _alias: DhStr,
    path: DhStr,
    options: *const DhOption,
    option_count: usize,
    interrupt: *const DhInterrupt,
    out: *mut *mut Catalog,
) -> *mut DhError {
    guard(|| {
        // SAFETY: C++ passes `option_count` options and texts that live for the call, and a valid `out`.
        let (path, options) = unsafe { (path.as_str(), array(options, option_count)) };
        // SAFETY: as above.
        let pairs = options
            .iter()
            .map(|option| unsafe { (option.name.as_str(), option.value.as_str()) });
        let options = AttachOptions::parse(path, pairs)?;
        let catalog = wait(&interrupted(interrupt), Catalog::attach(options))?;
        // SAFETY: as above.
        unsafe { give(out, catalog) };
        Ok(())
    })
}

extern "C" fn catalog_free(catalog: *mut Catalog) {
    // SAFETY: C++ frees the handle once.
    guard_infallible(|| unsafe { free(catalog) });
}

extern "C" fn catalog_display(catalog: *const Catalog) -> DhStr {
    // SAFETY: the handle is alive; the text lives as long as it.
    unsafe { catalog.as_ref() }.map_or(DhStr::NULL, |catalog| catalog.display().into())
}

extern "C" fn catalog_database(catalog: *const Catalog) -> DhStr {
    // SAFETY: the handle is alive; the text lives as long as it.
    unsafe { catalog.as_ref() }.map_or(DhStr::NULL, |catalog| catalog.database().into())
}

extern "C" fn catalog_has_database(catalog: *const Catalog, lower_name: DhStr) -> bool {
    // SAFETY: the handle is alive, and the name lives for the call.
    guard_infallible(|| unsafe {
        catalog
            .as_ref()
            .is_some_and(|catalog| catalog.has_database(lower_name.as_str()))
    })
}

extern "C" fn catalog_has_function(catalog: *const Catalog, lower_name: DhStr) -> bool {
    // SAFETY: the handle is alive, and the name lives for the call.
    guard_infallible(|| unsafe {
        catalog
            .as_ref()
            .is_some_and(|catalog| catalog.has_function(lower_name.as_str()))
    })
}

extern "C" fn session_open(
    catalog: *const Catalog,
    interrupt: *const DhInterrupt,
    out: *mut *mut Session,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive.
        let catalog = unsafe { borrow(catalog) }?;
        let session = wait(&interrupted(interrupt), catalog.open_session())?;
        // SAFETY: C++ passes a valid `out`.
        unsafe { give(out, session) };
        Ok(())
    })
}

extern "C" fn session_free(session: *mut Session) {
    // SAFETY: C++ frees the handle once.
    guard_infallible(|| unsafe { free(session) });
}

extern "C" fn session_snapshot(
    session: *const Session,
    begin: bool,
    known_version: *const u64,
    want_states: bool,
    interrupt: *const DhInterrupt,
    out: *mut *mut DhSnapshot,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive; `known_version` is null or valid.
        let (session, known_version) = unsafe { (borrow(session)?, known_version.as_ref().copied()) };
        let request = CatalogRequest {
            known_version,
            begin,
            want_states,
        };
        let answer = wait(&interrupted(interrupt), session.snapshot(request))?;
        // SAFETY: C++ passes a valid `out`; the view is the handle's first field.
        unsafe { give(out.cast::<*mut SnapshotHandle>(), SnapshotHandle::new(answer)) };
        Ok(())
    })
}

extern "C" fn snapshot_free(snapshot: *mut DhSnapshot) {
    // SAFETY: the view is the first field of a handle that C++ frees once.
    guard_infallible(|| unsafe { free(snapshot.cast::<SnapshotHandle>()) });
}

/// The view that C++ sees, and everything it points into.
#[repr(C)]
struct AnswerHandle {
    // First, so that a pointer to the handle is one to the view.
    view: DhAnswer,
    column_types: Vec<DhStr>,
    notices: Vec<DhStr>,
    answer: ExecuteAnswer,
}

impl AnswerHandle {
    fn new(answer: ExecuteAnswer) -> Self {
        let mut handle = Self {
            view: DhAnswer {
                return_kind: answer.return_kind,
                read_only: answer.read_only,
                column_types: ptr::null(),
                column_type_count: 0,
                catalog_version: answer.catalog_version,
                has_run: answer.has_run,
                notices: ptr::null(),
                notice_count: 0,
            },
            column_types: Vec::new(),
            notices: Vec::new(),
            answer,
        };
        // Strings and vectors keep their heap addresses when the handle moves, and none changes after this.
        let texts = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
        handle.column_types = texts(&handle.answer.column_types);
        handle.view.column_types = handle.column_types.as_ptr();
        handle.view.column_type_count = handle.column_types.len();
        handle.notices = texts(&handle.answer.notices);
        handle.view.notices = handle.notices.as_ptr();
        handle.view.notice_count = handle.notices.len();
        handle
    }
}

extern "C" fn session_execute(
    session: *const Session,
    statement: *const DhStatement,
    interrupt: *const DhInterrupt,
    out_schema: *mut FFI_ArrowSchema,
    out_answer: *mut *mut DhAnswer,
    out_stream: *mut *mut Results,
) -> *mut DhError {
    guard(|| {
        // SAFETY: handle and statement are alive, and the statement's texts live for the call.
        let (session, statement) = unsafe {
            let statement = borrow(statement)?;
            let mode = ExecuteMode::try_from(statement.mode).map_err(|error| Error::Panic(error.to_string()))?;
            let statement = Statement {
                sql: statement.sql.as_str().to_string(),
                mode,
                begin: statement.begin,
                writes: statement.writes,
                settings: copy_settings(statement.settings, statement.setting_count),
                started_us: statement.started_us,
                expected_columns: copy_columns(statement.expected_columns, statement.expected_column_count),
                progress: statement.progress.as_ref().cloned(),
            };
            (borrow(session)?, statement)
        };
        let (decisive, interrupted) = (statement.is_decisive(), interrupted(interrupt));
        let execution = session.execute(statement);
        let execution = if decisive {
            let unknown = || Error::not_stopped(session.connection().endpoint(), "the statement took effect");
            wait_for_outcome(&interrupted, execution, async || session.interrupt().await, unknown)?
        } else {
            wait(&interrupted, execution)?
        };
        let schema = export_schema(&execution.schema)?;
        // SAFETY: C++ passes valid places to write to; the view is the handle's first field.
        unsafe {
            out_schema.write(schema);
            give(
                out_answer.cast::<*mut AnswerHandle>(),
                AnswerHandle::new(execution.answer),
            );
            if let Some(results) = execution.results {
                give(out_stream, results);
            }
        }
        Ok(())
    })
}

extern "C" fn answer_free(answer: *mut DhAnswer) {
    // SAFETY: the view is the first field of a handle that C++ frees once.
    guard_infallible(|| unsafe { free(answer.cast::<AnswerHandle>()) });
}

extern "C" fn progress_new(out: *mut *mut Progress) -> *mut DhError {
    guard(|| {
        // SAFETY: C++ passes a valid `out`.
        unsafe { give(out, Progress::default()) };
        Ok(())
    })
}

extern "C" fn progress_percent(progress: *const Progress) -> f64 {
    // SAFETY: the handle is alive.
    unsafe { progress.as_ref() }.map_or(0.0, Progress::percent)
}

extern "C" fn progress_free(progress: *mut Progress) {
    // SAFETY: C++ frees the handle once.
    guard_infallible(|| unsafe { free(progress) });
}

/// The view that C++ sees, and the text it points into.
#[repr(C)]
struct TextHandle {
    // First, so that a pointer to the handle is one to the view.
    view: DhText,
    text: String,
}

impl TextHandle {
    fn new(text: String) -> Self {
        // The text keeps its heap address when the handle moves.
        Self {
            view: DhText {
                text: text.as_str().into(),
            },
            text,
        }
    }
}

extern "C" fn session_load_extension(
    catalog: *const Catalog,
    session: *const Session,
    name: DhStr,
    repository: DhStr,
    version: DhStr,
    interrupt: *const DhInterrupt,
    out: *mut *mut DhText,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handles are alive, and the texts live for the call.
        let (catalog, session, wanted) = unsafe {
            let wanted = LoadExtension {
                name: name.as_str().to_string(),
                repository: repository.as_str().to_string(),
                version: version.as_str().to_string(),
            };
            (borrow(catalog)?, borrow(session)?, wanted)
        };
        let loaded = wait(&interrupted(interrupt), catalog.load_extension(session, &wanted))?;
        // SAFETY: C++ passes a valid `out`; the view is the handle's first field.
        unsafe { give(out.cast::<*mut TextHandle>(), TextHandle::new(loaded)) };
        Ok(())
    })
}

extern "C" fn text_free(text: *mut DhText) {
    // SAFETY: the view is the first field of a handle that C++ frees once.
    guard_infallible(|| unsafe { free(text.cast::<TextHandle>()) });
}

extern "C" fn session_query_history(
    session: *const Session,
    own: bool,
    interrupt: *const DhInterrupt,
    out: *mut *mut DhQueryHistory,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive.
        let session = unsafe { borrow(session) }?;
        let records = wait(&interrupted(interrupt), session.query_history(own))?;
        // SAFETY: C++ passes a valid `out`; the view is the handle's first field.
        unsafe { give(out.cast::<*mut QueryHistoryHandle>(), QueryHistoryHandle::new(records)) };
        Ok(())
    })
}

extern "C" fn query_history_free(history: *mut DhQueryHistory) {
    // SAFETY: the view is the first field of a handle that C++ frees once.
    guard_infallible(|| unsafe { free(history.cast::<QueryHistoryHandle>()) });
}

extern "C" fn session_end_transaction(
    session: *const Session,
    commit: bool,
    interrupt: *const DhInterrupt,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive.
        let session = unsafe { borrow(session) }?;
        // DuckDB's COMMIT does not stop either.
        let unknown = || Error::not_stopped(session.connection().endpoint(), "the transaction was committed");
        let ended = session.end_transaction(commit);
        wait_for_outcome(&interrupted(interrupt), ended, async || {}, unknown)
    })
}

extern "C" fn session_abandon_transaction(session: *const Session) {
    guard_infallible(|| {
        // SAFETY: the handle is alive.
        if let Some(session) = unsafe { session.as_ref() } {
            runtime().block_on(session.abandon_transaction());
        }
    });
}

extern "C" fn stream_next(
    results: *mut Results,
    interrupt: *const DhInterrupt,
    out: *mut FFI_ArrowArray,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive, and C++ reads a stream from one thread at a time.
        let results = unsafe { borrow_mut(results) }?;
        let batch = wait(&interrupted(interrupt), results.next())?;
        let array = batch.map_or_else(FFI_ArrowArray::empty, |batch| {
            FFI_ArrowArray::new(&arrow::array::Array::to_data(&StructArray::from(batch)))
        });
        // SAFETY: C++ passes a valid place to write to.
        unsafe { out.write(array) };
        Ok(())
    })
}

extern "C" fn stream_free(results: *mut Results) {
    // SAFETY: C++ frees the handle once.
    guard_infallible(|| unsafe { free(results) });
}

extern "C" fn ingest_open(
    session: *const Session,
    target: *const DhIngestTarget,
    schema: *mut FFI_ArrowSchema,
    interrupt: *const DhInterrupt,
    out: *mut *mut IngestHandle,
) -> *mut DhError {
    guard(|| {
        // SAFETY: handle and target are alive; C++ gives the schema away.
        let (session, target, schema) =
            unsafe { (borrow(session)?, borrow(target)?, FFI_ArrowSchema::from_raw(schema)) };
        let schema = Arc::new(Schema::try_from(&schema).map_err(|error| protocol(&error))?);
        // SAFETY: the target's texts live for the call.
        let target = unsafe {
            IngestTarget {
                create_sql: target.create_sql.as_str().to_string(),
                schema: copy_texts(target.schema, target.schema_len),
                table: target.table.as_str().to_string(),
                columns: copy_texts(target.columns, target.column_count),
                begin: target.begin,
            }
        };
        let ingest = wait(&interrupted(interrupt), Ingest::start(session, target, schema.clone()))?;
        // SAFETY: C++ passes a valid `out`.
        unsafe { give(out, IngestHandle { ingest, schema }) };
        Ok(())
    })
}

extern "C" fn ingest_push(
    handle: *const IngestHandle,
    batch: *mut FFI_ArrowArray,
    interrupt: *const DhInterrupt,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive; C++ gives the array away.
        let (handle, batch) = unsafe { (borrow(handle)?, FFI_ArrowArray::from_raw(batch)) };
        let row_type = DataType::Struct(handle.schema.fields().clone());
        // SAFETY: DuckDB made the array for the schema that the load was opened with.
        let rows = unsafe { from_ffi_and_data_type(batch, row_type) }.map_err(|error| protocol(&error))?;
        let (_, columns, _) = StructArray::from(rows).into_parts();
        let batch = RecordBatch::try_new(handle.schema.clone(), columns).map_err(|error| protocol(&error))?;
        wait(&interrupted(interrupt), handle.ingest.push(batch))
    })
}

extern "C" fn ingest_finish(
    handle: *const IngestHandle,
    interrupt: *const DhInterrupt,
    out_rows: *mut u64,
) -> *mut DhError {
    guard(|| {
        // SAFETY: the handle is alive.
        let handle = unsafe { borrow(handle) }?;
        let (interrupted, ingest) = (interrupted(interrupt), &handle.ingest);
        let rows = if ingest.in_transaction() {
            wait(&interrupted, ingest.finish())?
        } else {
            let unknown = || Error::not_stopped(ingest.endpoint(), "the rows were loaded");
            wait_for_outcome(
                &interrupted,
                ingest.finish(),
                async || ingest.interrupt().await,
                unknown,
            )?
        };
        // SAFETY: C++ passes a valid place to write to.
        unsafe { out_rows.write(rows) };
        Ok(())
    })
}

extern "C" fn ingest_free(handle: *mut IngestHandle) {
    // SAFETY: C++ frees the handle once.
    guard_infallible(|| unsafe { free(handle) });
}

/// Why the statement is to stop; it never is, where C++ passes no interrupt.
pub(super) fn interrupted(interrupt: *const DhInterrupt) -> impl Fn() -> Option<&'static str> {
    // SAFETY: null, or alive for the call.
    move || unsafe { interrupt.as_ref() }.and_then(DhInterrupt::reason)
}

/// # Safety
/// `settings` points to `count` options that live for the call.
unsafe fn copy_settings(settings: *const DhOption, count: usize) -> Vec<Setting> {
    // SAFETY: the caller vouches for it.
    let settings = unsafe { array(settings, count) };
    let copy = |setting: &DhOption| {
        // SAFETY: as above.
        let (name, value) = unsafe { (setting.name.as_str(), setting.value.as_str()) };
        Setting {
            name: name.to_string(),
            value: value.to_string(),
        }
    };
    settings.iter().map(copy).collect()
}

/// # Safety
/// `columns` points to `count` names and types that live for the call.
unsafe fn copy_columns(columns: *const DhOption, count: usize) -> Vec<ExpectedColumn> {
    // SAFETY: the caller vouches for it.
    let columns = unsafe { array(columns, count) };
    let copy = |column: &DhOption| {
        // SAFETY: as above.
        let (name, column_type) = unsafe { (column.name.as_str(), column.value.as_str()) };
        ExpectedColumn {
            name: name.to_string(),
            column_type: column_type.to_string(),
        }
    };
    columns.iter().map(copy).collect()
}

/// # Safety
/// `texts` points to `count` texts that live for the call.
unsafe fn copy_texts(texts: *const DhStr, count: usize) -> Vec<String> {
    // SAFETY: the caller vouches for it.
    let texts = unsafe { array(texts, count) };
    // SAFETY: as above.
    texts.iter().map(|text| unsafe { text.as_str() }.to_string()).collect()
}

/// # Safety
/// `data` is null, or points to `len` elements that outlive `'a`.
unsafe fn array<'a, T>(data: *const T, len: usize) -> &'a [T] {
    if data.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { slice::from_raw_parts(data, len) }
}

fn export_schema(schema: &Schema) -> Result<FFI_ArrowSchema> {
    FFI_ArrowSchema::try_from(schema).map_err(|error| protocol(&error))
}

fn protocol(error: &ArrowError) -> Error {
    Error::Protocol(error.to_string())
}
