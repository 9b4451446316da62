//! How far a statement is, for whoever waits for it.

use std::sync::{Arc, OnceLock};

use super::history::Entry;

/// Given along with a statement to have DuckDB keep track of it. [`super::Session::progress`] reads it.
#[derive(Clone, Default)]
pub struct Progress(Arc<OnceLock<Arc<Entry>>>);

impl Progress {
    /// The statement has arrived.
    pub(super) fn follow(&self, entry: &Arc<Entry>) {
        let _ = self.0.set(entry.clone());
    }

    /// Whether it is what its connection runs now.
    pub(super) fn is_running(&self) -> bool {
        self.0.get().is_some_and(|entry| entry.is_worked_on())
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Progress").finish_non_exhaustive()
    }
}
