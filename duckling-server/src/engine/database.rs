//! One DuckDB instance.

use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use super::connection::Connection;
use super::error::EngineError;
use super::ffi;

/// How to open a DuckDB instance.
#[derive(Clone, Debug, Default)]
pub struct DatabaseOptions {
    /// File of the default database; in memory if absent.
    pub path: Option<PathBuf>,
    /// DuckDB settings by name, applied before the instance opens.
    pub settings: Vec<(String, String)>,
}

/// A DuckDB instance, shared by all its connections; it closes when the last of them is gone.
#[derive(Clone)]
pub struct Database {
    handle: Arc<Handle>,
}

pub(super) struct Handle(pub(super) *mut ffi::DhEngineDatabase);

// SAFETY: a DuckDB instance may be used from any thread, and `Handle` only opens connections and drops.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle came from `dh_engine_database_open` and is dropped once.
        unsafe { ffi::dh_engine_database_free(self.0) }
    }
}

impl Database {
    /// Open an instance.
    ///
    /// # Errors
    /// DuckDB's own, such as a file that another process has locked or an unknown setting.
    pub fn open(options: &DatabaseOptions) -> Result<Self, EngineError> {
        let path = options
            .path
            .as_deref()
            .map(|path| path.to_string_lossy().into_owned())
            .unwrap_or_default();
        let settings: Vec<_> = options
            .settings
            .iter()
            .map(|(name, value)| ffi::DhEngineOption {
                name: name.as_str().into(),
                value: value.as_str().into(),
            })
            .collect();
        let mut handle = ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and `handle` is read only on success.
        unsafe {
            ffi::check(ffi::dh_engine_database_open(
                path.as_str().into(),
                settings.as_ptr(),
                settings.len(),
                &mut handle,
            ))?;
        }
        Ok(Self {
            handle: Arc::new(Handle(handle)),
        })
    }

    /// Open a connection to the instance.
    ///
    /// # Errors
    /// DuckDB's own, if the instance was invalidated by a fatal error.
    pub fn connect(&self) -> Result<Connection, EngineError> {
        Connection::open(self.handle.0)
    }
}
