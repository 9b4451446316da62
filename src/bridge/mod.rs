//! Everything that crosses between DuckDB's C++ and the rest of the extension, and all of its unsafe code.
//!
//! `ffi` mirrors `cpp/bridge.h`; `guard` turns results and panics into error handles; `handle` lends Rust objects to
//! C++; `callbacks` is what C++ may call; `snapshot`, `query_history` and `workers` lay out for C++
//! what a server has told.

mod callbacks;
mod ffi;
mod guard;
mod handle;
mod query_history;
mod snapshot;
mod workers;

use duckdb_neo::AsRaw;
use duckdb_neo::extension::Extension;

use crate::error::{Error, Result};

/// Register the storage extension and `duckherder_query` with the database that loads the extension.
///
/// # Errors
/// What DuckDB refuses it with.
pub fn register(extension: &Extension) -> Result<()> {
    // SAFETY: the handle is the one DuckDB lent to the entry point, which is still running; the callbacks are static.
    let message = unsafe { ffi::dh_bridge_register(extension.get_raw().cast(), &callbacks::CALLBACKS) };
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: C++ returned a NUL-terminated string, freed once, after it was copied.
    let text = unsafe {
        let text = std::ffi::CStr::from_ptr(message).to_string_lossy().into_owned();
        ffi::dh_message_free(message);
        text
    };
    Err(Error::Panic(format!("cannot register with DuckDB: {text}")))
}
