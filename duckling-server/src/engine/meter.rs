//! What the statements of a connection cost.

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
        }
    }
}
