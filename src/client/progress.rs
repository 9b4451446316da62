//! How far the server is with a statement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_flight::FlightData;
use duckling_protocol::ExecuteProgress;
use prost::Message;

/// Percent of one statement, as its server last told. Never goes back.
#[derive(Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Between 0 and 100.
    pub fn percent(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Take note of what a message says; false if it is one of the result.
    pub(super) fn hear(&self, message: &FlightData) -> bool {
        if !message.data_header.is_empty() {
            return false;
        }
        if let Ok(ExecuteProgress { percent }) = ExecuteProgress::decode(message.app_metadata.clone()) {
            // Positive numbers are in the order of their bits.
            if percent > 0.0 {
                self.0.fetch_max(percent.min(100.0).to_bits(), Ordering::Relaxed);
            }
        }
        true
    }
}
