//! Destructors that may block, away from the async threads.

use tokio::runtime::Handle;

/// Drop `value` on a thread that may block, if this one belongs to the async runtime.
///
/// Closing a DuckDB connection, a stream or a prepared statement waits for what runs on it.
pub fn drop_off_runtime<T: Send + 'static>(value: T) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(value))),
        Err(_) => drop(value),
    }
}
