//! What the statements of a connection cost.

use std::ffi::CStr;
use std::time::Duration;

use super::distribution::Amount;
use super::ffi;

/// Cost of the statements since the meter was reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of all DuckDB's threads together, planning included.
    pub cpu_nanoseconds: u64,
    /// What the whole instance held at most in memory meanwhile.
    pub peak_memory_bytes: u64,
    /// By how much its temporary files grew at most meanwhile.
    pub peak_temporary_bytes: u64,
    /// If other ducklings did a part of it.
    pub distribution: Option<Distribution>,
}

/// What other ducklings have done for a statement. It may have several parts that they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// How the tasks divide what they read, and how their rows come together: of the part with most tasks.
    pub mode: &'static str,
    pub merge: &'static str,
    /// Of all parts.
    pub stages: u64,
    pub tasks: u64,
    /// Ducklings that ran tasks, of the part with most of them; 0 until the first part has ended.
    pub workers: u64,
    /// Between tasks, and to the driver; of the parts that have ended.
    pub exchanged: Amount,
    /// Of all tasks of those parts.
    pub cpu: Duration,
}

/// Reads the meter of one connection, which may be closed meanwhile.
pub(super) struct Meter(*mut ffi::DhEngineMeter);

// SAFETY: the meter consists of atomic numbers, which any thread may read.
unsafe impl Send for Meter {}
// SAFETY: as above.
unsafe impl Sync for Meter {}

impl Drop for Meter {
    fn drop(&mut self) {
        // SAFETY: the handle came from C++ and is dropped once.
        unsafe { ffi::dh_engine_meter_free(self.0) }
    }
}

impl Meter {
    /// # Safety
    /// `handle` is a new meter that nothing else owns.
    pub(super) unsafe fn from_raw(handle: *mut ffi::DhEngineMeter) -> Self {
        Self(handle)
    }

    pub(super) fn read(&self) -> Usage {
        // SAFETY: the handle lives as long as `self`.
        let usage = unsafe { ffi::dh_engine_meter_read(self.0) };
        Usage {
            cpu_nanoseconds: usage.cpu_nanoseconds,
            peak_memory_bytes: usage.peak_memory_bytes,
            peak_temporary_bytes: usage.peak_temporary_bytes,
            distribution: distribution(&usage.distribution),
        }
    }
}

fn distribution(of: &ffi::DhEngineDistribution) -> Option<Distribution> {
    if of.mode.is_null() || of.merge.is_null() {
        return None;
    }
    // SAFETY: both are literals of C++, in ASCII.
    let (mode, merge) = unsafe { (CStr::from_ptr(of.mode), CStr::from_ptr(of.merge)) };
    Some(Distribution {
        mode: mode.to_str().ok()?,
        merge: merge.to_str().ok()?,
        stages: of.stages,
        tasks: of.tasks,
        workers: of.workers,
        exchanged: Amount {
            rows: of.exchanged.rows,
            bytes: of.exchanged.bytes,
        },
        cpu: Duration::from_nanos(of.cpu_nanoseconds),
    })
}
