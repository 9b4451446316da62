//! Declarations of `cpp/engine.h`, and the few conversions that every caller of it needs.

use std::ffi::{CStr, c_char, c_void};
use std::marker::{PhantomData, PhantomPinned};
use std::ptr;
use std::slice;

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use super::error::EngineError;

// Links DuckDB itself, which the C++ beside this file calls.
use libduckdb_sys as _;

macro_rules! opaque {
    ($($name:ident),*) => {$(
        /// Only ever behind a pointer that C++ made.
        #[repr(C)]
        pub struct $name {
            _data: [u8; 0],
            _marker: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )*};
}

opaque!(
    DhEngineDatabase,
    DhEngineConnection,
    DhEngineStream,
    DhEnginePrepared,
    DhEngineParameters,
    DhEngineMeter
);

/// A borrowed string; valid for the call it is passed to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DhEngineStr {
    data: *const c_char,
    len: usize,
}

impl DhEngineStr {
    /// # Safety
    /// The bytes live for `'a`.
    pub unsafe fn as_bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller vouches for the bytes.
        unsafe { array(self.data.cast(), self.len) }
    }
}

impl From<&str> for DhEngineStr {
    fn from(text: &str) -> Self {
        Self {
            data: text.as_ptr().cast(),
            len: text.len(),
        }
    }
}

#[repr(C)]
pub struct DhEngineOption {
    pub name: DhEngineStr,
    pub value: DhEngineStr,
}

#[repr(C)]
pub struct DhEngineErrorDetail {
    name: *const c_char,
    value: *const c_char,
}

#[repr(C)]
pub struct DhEngineError {
    class_name: *const c_char,
    message: *const c_char,
    details: *const DhEngineErrorDetail,
    detail_count: usize,
}

#[repr(C)]
pub struct DhEngineDescription {
    pub return_kind: i32,
    pub read_only: bool,
    pub column_count: usize,
    pub column_types: *const *const c_char,
}

impl DhEngineDescription {
    pub const EMPTY: Self = Self {
        return_kind: 0,
        read_only: false,
        column_count: 0,
        column_types: ptr::null(),
    };
}

#[repr(C)]
pub struct DhEngineTableIndex {
    pub unique: bool,
    pub primary: bool,
    pub foreign: bool,
    pub columns: *const u64,
    pub column_count: usize,
}

#[repr(C)]
pub struct DhEngineEntry {
    pub kind: i32,
    pub name: DhEngineStr,
    pub definition: DhEngineStr,
    pub oid: u64,
    pub indexes: *const DhEngineTableIndex,
    pub index_count: usize,
}

#[repr(C)]
pub struct DhEngineEntryState {
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
pub struct DhEngineCatalogVisitor {
    pub context: *mut c_void,
    pub schema: extern "C" fn(context: *mut c_void, path: *const DhEngineStr, path_len: usize, internal: bool),
    pub entry: extern "C" fn(context: *mut c_void, entry: *const DhEngineEntry),
    pub state: extern "C" fn(context: *mut c_void, state: *const DhEngineEntryState),
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct DhEngineInterrupt {
    pub context: *mut c_void,
    pub is_interrupted: extern "C" fn(context: *mut c_void) -> bool,
}

#[repr(C)]
pub struct DhEngineCluster {
    pub context: *mut c_void,
    pub worker_count: extern "C" fn(context: *mut c_void) -> usize,
    pub feed_begin: unsafe extern "C" fn(
        context: *mut c_void,
        schema: *mut FFI_ArrowSchema,
        out_feed: *mut *mut c_void,
    ) -> *mut DhEngineError,
    pub feed_append: unsafe extern "C" fn(feed: *mut c_void, batch: *mut FFI_ArrowArray) -> *mut DhEngineError,
    pub feed_free: unsafe extern "C" fn(feed: *mut c_void),
    pub start: unsafe extern "C" fn(
        context: *mut c_void,
        query: DhEngineStr,
        schemas: *mut FFI_ArrowSchema,
        schema_count: usize,
        feeds: *const *mut c_void,
        feed_count: usize,
        interrupt: DhEngineInterrupt,
        out_query: *mut *mut c_void,
    ) -> *mut DhEngineError,
    pub next: unsafe extern "C" fn(query: *mut c_void, out: *mut FFI_ArrowArray) -> *mut DhEngineError,
    pub progress: unsafe extern "C" fn(query: *mut c_void) -> f64,
    pub finish: unsafe extern "C" fn(query: *mut c_void, out: *mut DhEngineQueryReport) -> *mut DhEngineError,
    pub end: unsafe extern "C" fn(query: *mut c_void),
}

#[repr(C)]
pub struct DhEngineAmount {
    pub rows: u64,
    pub bytes: u64,
}

#[repr(C)]
pub struct DhEngineTaskReport {
    pub stage: u64,
    pub task: u64,
    pub received: DhEngineAmount,
    pub made: DhEngineAmount,
    pub elapsed_nanoseconds: u64,
    pub cpu_nanoseconds: u64,
}

#[repr(C)]
pub struct DhEngineQueryReport {
    pub workers: u64,
    pub received: DhEngineAmount,
    pub tasks: *const DhEngineTaskReport,
    pub task_count: usize,
}

#[repr(C)]
pub struct DhEngineObject {
    pub key: DhEngineStr,
    pub size_bytes: u64,
    pub modified_us: i64,
    pub e_tag: DhEngineStr,
}

#[repr(C)]
pub struct DhEngineObjectVisitor {
    pub context: *mut c_void,
    pub object: extern "C" fn(context: *mut c_void, object: *const DhEngineObject),
    pub folder: extern "C" fn(context: *mut c_void, key: DhEngineStr),
}

#[repr(C)]
pub struct DhEngineObjectStores {
    pub head: unsafe extern "C" fn(
        url: DhEngineStr,
        interrupt: DhEngineInterrupt,
        visitor: *const DhEngineObjectVisitor,
    ) -> *mut DhEngineError,
    pub is_folder:
        unsafe extern "C" fn(url: DhEngineStr, interrupt: DhEngineInterrupt, out: *mut bool) -> *mut DhEngineError,
    pub list: unsafe extern "C" fn(
        url: DhEngineStr,
        is_recursive: bool,
        interrupt: DhEngineInterrupt,
        visitor: *const DhEngineObjectVisitor,
    ) -> *mut DhEngineError,
    pub read: unsafe extern "C" fn(
        url: DhEngineStr,
        e_tag: DhEngineStr,
        offset: u64,
        count: u64,
        interrupt: DhEngineInterrupt,
        out: *mut u8,
    ) -> *mut DhEngineError,
    pub remove: unsafe extern "C" fn(url: DhEngineStr, interrupt: DhEngineInterrupt) -> *mut DhEngineError,
    pub copy: unsafe extern "C" fn(
        source: DhEngineStr,
        target: DhEngineStr,
        interrupt: DhEngineInterrupt,
    ) -> *mut DhEngineError,
    pub upload_begin: unsafe extern "C" fn(url: DhEngineStr, out_upload: *mut *mut c_void) -> *mut DhEngineError,
    pub upload_write: unsafe extern "C" fn(
        upload: *mut c_void,
        data: DhEngineStr,
        interrupt: DhEngineInterrupt,
    ) -> *mut DhEngineError,
    pub upload_finish: unsafe extern "C" fn(upload: *mut c_void, interrupt: DhEngineInterrupt) -> *mut DhEngineError,
    pub upload_free: unsafe extern "C" fn(upload: *mut c_void),
}

#[repr(C)]
pub struct DhEngineInput {
    pub name: DhEngineStr,
    pub stream: *mut FFI_ArrowArrayStream,
}

#[repr(C)]
pub struct DhEngineUsage {
    pub cpu_nanoseconds: u64,
    pub peak_memory_bytes: u64,
    pub peak_temporary_bytes: u64,
    pub distribution: DhEngineDistribution,
}

#[repr(C)]
pub struct DhEngineDistribution {
    /// These two are literals.
    pub mode: *const c_char,
    pub merge: *const c_char,
    pub stages: u64,
    pub tasks: u64,
    pub workers: u64,
    pub exchanged: DhEngineAmount,
    pub cpu_nanoseconds: u64,
}

#[repr(C)]
#[derive(Default)]
pub struct DhEngineResources {
    pub threads: u64,
    pub memory_limit_bytes: u64,
    pub memory_used_bytes: u64,
}

unsafe extern "C" {
    pub fn dh_engine_duckdb_version() -> *const c_char;
    pub fn dh_engine_setting_check(name: DhEngineStr, value: DhEngineStr) -> *mut DhEngineError;
    fn dh_engine_error_free(error: *mut DhEngineError);
    pub fn dh_engine_error_create(class_name: DhEngineStr, message: DhEngineStr) -> *mut DhEngineError;
    pub fn dh_engine_database_set_cluster(
        database: *mut DhEngineDatabase,
        cluster: *const DhEngineCluster,
    ) -> *mut DhEngineError;
    pub fn dh_engine_database_set_storage(
        database: *mut DhEngineDatabase,
        root: DhEngineStr,
        by_default: bool,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_create_file_list(
        connection: *mut DhEngineConnection,
        database: DhEngineStr,
    ) -> *mut DhEngineError;
    pub fn dh_engine_database_open(
        options: *const DhEngineOption,
        option_count: usize,
        stores: *const DhEngineObjectStores,
        out: *mut *mut DhEngineDatabase,
    ) -> *mut DhEngineError;
    pub fn dh_engine_database_set_default(database: *mut DhEngineDatabase, name: DhEngineStr) -> *mut DhEngineError;
    pub fn dh_engine_database_resources(
        database: *mut DhEngineDatabase,
        out: *mut DhEngineResources,
    ) -> *mut DhEngineError;
    pub fn dh_engine_database_close(database: *mut DhEngineDatabase) -> *mut DhEngineError;
    pub fn dh_engine_database_free(database: *mut DhEngineDatabase);
    pub fn dh_engine_connection_open(
        database: *mut DhEngineDatabase,
        out: *mut *mut DhEngineConnection,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_free(connection: *mut DhEngineConnection);
    pub fn dh_engine_connection_keep_types(connection: *mut DhEngineConnection) -> *mut DhEngineError;
    pub fn dh_engine_connection_interrupt(connection: *mut DhEngineConnection);
    pub fn dh_engine_connection_stop(connection: *mut DhEngineConnection);
    pub fn dh_engine_connection_set_clock(
        connection: *mut DhEngineConnection,
        start_us: *const i64,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_track_progress(connection: *mut DhEngineConnection, wanted: bool);
    pub fn dh_engine_connection_progress(connection: *const DhEngineConnection) -> f64;
    pub fn dh_engine_connection_in_transaction(connection: *mut DhEngineConnection) -> bool;
    pub fn dh_engine_connection_catalog_version(
        connection: *mut DhEngineConnection,
        database: DhEngineStr,
        out: *mut u64,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_visit_catalog(
        connection: *mut DhEngineConnection,
        database: DhEngineStr,
        states_only: bool,
        visitor: *const DhEngineCatalogVisitor,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_meter(
        connection: *mut DhEngineConnection,
        out: *mut *mut DhEngineMeter,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_take_notices(
        connection: *mut DhEngineConnection,
        taker: *mut c_void,
        take: extern "C" fn(*mut c_void, DhEngineStr),
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_reset_meter(connection: *mut DhEngineConnection);
    pub fn dh_engine_meter_read(meter: *const DhEngineMeter) -> DhEngineUsage;
    pub fn dh_engine_meter_free(meter: *mut DhEngineMeter);
    pub fn dh_engine_description_free(description: *mut DhEngineDescription);
    pub fn dh_engine_connection_describe(
        connection: *mut DhEngineConnection,
        sql: DhEngineStr,
        out_schema: *mut FFI_ArrowSchema,
        out: *mut DhEngineDescription,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_bind(
        connection: *mut DhEngineConnection,
        sql: DhEngineStr,
        out_schema: *mut FFI_ArrowSchema,
        out: *mut DhEngineDescription,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_submit(
        connection: *mut DhEngineConnection,
        sql: DhEngineStr,
        input: *mut FFI_ArrowArrayStream,
        out: *mut *mut DhEngineStream,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_submit_fragment(
        connection: *mut DhEngineConnection,
        sql: DhEngineStr,
        inputs: *const DhEngineInput,
        input_count: usize,
        out: *mut *mut DhEngineStream,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_describe_and_submit(
        connection: *mut DhEngineConnection,
        sql: DhEngineStr,
        out_schema: *mut FFI_ArrowSchema,
        out: *mut DhEngineDescription,
        out_stream: *mut *mut DhEngineStream,
    ) -> *mut DhEngineError;
    pub fn dh_engine_connection_submit_expecting(
        connection: *mut DhEngineConnection,
        sql: DhEngineStr,
        columns: *const DhEngineOption,
        column_count: usize,
        out_schema: *mut FFI_ArrowSchema,
        out: *mut DhEngineDescription,
        out_stream: *mut *mut DhEngineStream,
    ) -> *mut DhEngineError;
    pub fn dh_engine_stream_schema(stream: *mut DhEngineStream, out: *mut FFI_ArrowSchema) -> *mut DhEngineError;
    pub fn dh_engine_stream_return_kind(stream: *const DhEngineStream) -> i32;
    pub fn dh_engine_stream_has_run(stream: *const DhEngineStream) -> bool;
    pub fn dh_engine_stream_next(stream: *mut DhEngineStream, out: *mut FFI_ArrowArray) -> *mut DhEngineError;
    pub fn dh_engine_stream_free(stream: *mut DhEngineStream);
    pub fn dh_engine_prepare(
        connection: *mut DhEngineConnection,
        sql: DhEngineStr,
        out_schema: *mut FFI_ArrowSchema,
        out_description: *mut DhEngineDescription,
        out_parameters: *mut FFI_ArrowSchema,
        out: *mut *mut DhEnginePrepared,
    ) -> *mut DhEngineError;
    pub fn dh_engine_prepared_free(prepared: *mut DhEnginePrepared);
    pub fn dh_engine_parameters_read(
        connection: *mut DhEngineConnection,
        input: *mut FFI_ArrowArrayStream,
        out: *mut *mut DhEngineParameters,
        out_rows: *mut usize,
    ) -> *mut DhEngineError;
    pub fn dh_engine_parameters_free(parameters: *mut DhEngineParameters);
    pub fn dh_engine_prepared_submit(
        connection: *mut DhEngineConnection,
        prepared: *mut DhEnginePrepared,
        parameters: *const DhEngineParameters,
        row: usize,
        out: *mut *mut DhEngineStream,
    ) -> *mut DhEngineError;
}

/// # Safety
/// `data` is null, or points to `len` elements that live for `'a`.
pub unsafe fn array<'a, T>(data: *const T, len: usize) -> &'a [T] {
    if data.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { slice::from_raw_parts(data, len) }
}

/// Copy a NUL-terminated string that C++ owns.
///
/// # Safety
/// `text` is null or points to a NUL-terminated string that lives for the call.
pub unsafe fn copy_string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Turn a returned error handle into a result, and free it.
///
/// # Safety
/// `error` was returned by a function of this module and is not used again.
pub unsafe fn check(error: *mut DhEngineError) -> Result<(), EngineError> {
    // SAFETY: C++ returns null or a handle that stays valid until it is freed below.
    let Some(fields) = (unsafe { error.as_ref() }) else {
        return Ok(());
    };
    // SAFETY: the strings belong to the handle, which is freed only after they were copied.
    let converted = unsafe {
        EngineError::from_duckdb(
            copy_string(fields.class_name),
            copy_string(fields.message),
            (0..fields.detail_count)
                .map(|index| &*fields.details.add(index))
                .map(|detail| (copy_string(detail.name), copy_string(detail.value)))
                .collect(),
        )
    };
    // SAFETY: the handle came from C++ and nothing borrows from it any more.
    unsafe { dh_engine_error_free(error) };
    Err(converted)
}
