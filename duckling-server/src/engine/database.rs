//! One DuckDB instance, and the databases attached to it.

use std::path::Path;
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arrow::array::AsArray;

use super::connection::Connection;
use super::distribution::{QueryRunner, Runner};
use super::error::EngineError;
use super::ffi;
use super::object_stores;
use super::open_connections::OpenConnections;
use super::quote_identifier;
use super::storage::Storage;

/// Databases that hold what must not be lost.
const WRITABLE_FILES: &str = "SELECT database_name FROM duckdb_databases() \
     WHERE NOT internal AND NOT readonly AND path IS NOT NULL ORDER BY ALL";

/// What an instance has to work with.
#[derive(Clone, Copy, Debug)]
pub struct Resources {
    pub threads: u64,
    pub memory_limit_bytes: u64,
    pub memory_used_bytes: u64,
}

/// A DuckDB instance, shared by all its connections. It begins without databases.
#[derive(Clone)]
pub struct Database {
    instance: Arc<Instance>,
}

struct Instance {
    handle: *mut ffi::DhEngineDatabase,
    /// Whom DuckDB asks to run parts of its queries; set once, and there for as long as the instance is.
    runner: OnceLock<Box<Runner>>,
    connections: Arc<OpenConnections>,
}

// SAFETY: a DuckDB instance may be used from any thread, and `Instance` only opens connections, closes and drops.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the handle came from `dh_engine_database_open` and is dropped once.
        unsafe { ffi::dh_engine_database_free(self.handle) }
    }
}

impl Database {
    /// Open an instance with DuckDB's settings by name.
    ///
    /// # Errors
    /// DuckDB's own, such as an unknown setting.
    pub fn open(settings: &[(String, String)]) -> Result<Self, EngineError> {
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| ffi::DhEngineOption {
                name: name.as_str().into(),
                value: value.as_str().into(),
            })
            .collect();
        let stores = object_stores::callbacks();
        let mut handle = ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and `handle` is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_database_open(
                settings.as_ptr(),
                settings.len(),
                &stores,
                &mut handle,
            ))?;
        }
        Ok(Self {
            instance: Arc::new(Instance {
                handle,
                runner: OnceLock::new(),
                connections: Arc::default(),
            }),
        })
    }

    /// Attach a database: a file, which is created if it does not exist and recovered from its write-ahead log if it
    /// was not closed; or one in memory.
    ///
    /// # Errors
    /// DuckDB's own: a file that another process has locked, that is no database or of another version, and so on.
    pub fn attach(&self, name: &str, path: Option<&Path>, read_only: bool) -> Result<(), EngineError> {
        let path = match path {
            None => ":memory:",
            Some(path) => path
                .to_str()
                .ok_or_else(|| EngineError::new("IO", "the file's name is not UTF-8"))?,
        };
        // The type makes distributed tables possible, and keeps DuckDB from reading a prefix of the path, as in `sqlite:x`,
        // as one.
        let sql = format!(
            "ATTACH '{}' AS {} (TYPE duckling{})",
            path.replace('\'', "''"),
            quote_identifier(name),
            if read_only { ", READ_ONLY" } else { "" }
        );
        self.connect()?.query(&sql).map(drop)
    }

    /// Have the files of distributed tables lie on this storage.
    ///
    /// # Errors
    /// `IO` if it cannot be used.
    pub fn store_tables_in(&self, storage: &Storage, by_default: bool) -> Result<(), EngineError> {
        let root = storage.prepare()?;
        // SAFETY: the handle lives as long as `self`, the name for the call.
        unsafe {
            ffi::check(ffi::dh_engine_database_set_storage(
                self.instance.handle,
                root.as_str().into(),
                by_default,
            ))
        }
    }

    /// Have an attached database list the files of its distributed tables.
    ///
    /// # Errors
    /// DuckDB's own, such as that the database is read-only.
    pub fn list_files_of(&self, name: &str) -> Result<(), EngineError> {
        self.connect()?.create_file_list(name)
    }

    /// Have connections that are opened from now on begin in this database.
    ///
    /// # Errors
    /// `Binder` if it is not attached.
    pub fn set_default(&self, name: &str) -> Result<(), EngineError> {
        // SAFETY: the handle lives as long as `self`, the name for the call.
        unsafe { ffi::check(ffi::dh_engine_database_set_default(self.instance.handle, name.into())) }
    }

    /// Have queries, or the parts of them that several ducklings can run, run by `runner`. Only the first one counts.
    ///
    /// # Errors
    /// DuckDB has no memory.
    pub fn distribute_by(&self, runner: Arc<dyn QueryRunner>) -> Result<(), EngineError> {
        let mut outcome = Ok(());
        self.instance.runner.get_or_init(|| {
            let runner = Box::new(Runner(runner));
            let callbacks = runner.callbacks();
            // SAFETY: the instance is alive; the callbacks' context is kept in it, and dropped after DuckDB's instance.
            outcome = unsafe { ffi::check(ffi::dh_engine_database_set_cluster(self.instance.handle, &callbacks)) };
            runner
        });
        outcome
    }

    /// Open a connection to the instance.
    ///
    /// # Errors
    /// `Connection` once the instance is closing; DuckDB's own if it was invalidated by a fatal error.
    pub fn connect(&self) -> Result<Connection, EngineError> {
        let registration = self.instance.connections.register()?;
        Connection::open(self.instance.handle, registration)
    }

    /// Threads and memory of the instance, as they are now. Does not block.
    ///
    /// # Errors
    /// `Connection` once the instance is closing.
    pub fn resources(&self) -> Result<Resources, EngineError> {
        // Counted in like a connection, so that the instance is not closed meanwhile.
        let _registration = self.instance.connections.register()?;
        let mut resources = ffi::DhEngineResources::default();
        // SAFETY: the handle lives as long as `self`, and is not closed as long as the registration is there.
        unsafe { ffi::check(ffi::dh_engine_database_resources(self.instance.handle, &mut resources))? };
        Ok(Resources {
            threads: resources.threads,
            memory_limit_bytes: resources.memory_limit_bytes,
            memory_used_bytes: resources.memory_used_bytes,
        })
    }

    /// Begin to close: no connection can be opened from now on, and interrupted statements say that the server is
    /// shutting down.
    pub fn start_closing(&self) {
        self.instance.connections.start_closing();
    }

    /// Interrupt the statements of all connections. Returns at once.
    pub fn interrupt_all(&self) {
        self.instance.connections.interrupt_all();
    }

    /// Close the instance: interrupt what still runs, wait at most `patience` until all connections are closed, write
    /// the write-ahead logs into their files, and let go of the files. Blocks.
    ///
    /// # Errors
    /// If a connection was not closed in time, or a file could not be written. Nothing that was committed is lost: it
    /// is in the write-ahead log.
    pub fn close(&self, patience: Duration) -> Result<(), EngineError> {
        self.start_closing();
        let connections = &self.instance.connections;
        let left = connections.interrupt_until_closed(patience);
        let checkpointed = self.checkpoint_all();
        if left > 0 {
            return Err(EngineError::new(
                "Connection",
                format!("{left} statements could not be interrupted"),
            ));
        }
        checkpointed?;
        // SAFETY: every connection is closed and none can be opened any more, so nothing else uses the instance.
        unsafe { ffi::check(ffi::dh_engine_database_close(self.instance.handle)) }
    }

    fn checkpoint_all(&self) -> Result<(), EngineError> {
        let registration = self.instance.connections.register_always();
        let connection = Connection::open(self.instance.handle, registration)?;
        let mut outcome = Ok(());
        for batch in connection.query(WRITABLE_FILES)? {
            for name in batch.column(0).as_string::<i32>().iter().flatten() {
                let checkpointed = connection.query(&format!("CHECKPOINT {}", quote_identifier(name)));
                // The others are written all the same.
                outcome = outcome.and(checkpointed.map(drop).map_err(|error| EngineError {
                    message: format!("Cannot checkpoint the database \"{name}\": {}", error.message),
                    ..error
                }));
            }
        }
        outcome
    }
}

/// Ask DuckDB whether it would take a setting.
///
/// # Errors
/// DuckDB's own.
pub fn check_setting(name: &str, value: &str) -> Result<(), EngineError> {
    // SAFETY: both strings live for the call.
    unsafe { ffi::check(ffi::dh_engine_setting_check(name.into(), value.into())) }
}

/// Version of the DuckDB that is linked, such as `v2.0.0`.
pub fn duckdb_version() -> String {
    // SAFETY: DuckDB returns a string literal.
    unsafe { ffi::copy_string(ffi::dh_engine_duckdb_version()) }
}
