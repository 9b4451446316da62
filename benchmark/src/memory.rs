//! Memory of a process as Linux counts it.

use std::fs;

use anyhow::{Context, Result};

/// A process whose resident memory is watched.
pub struct Watched {
    pid: u32,
    before_kb: u64,
}

/// Resident memory before and at the peak.
pub struct Growth {
    pub before_kb: u64,
    pub peak_kb: u64,
}

impl Watched {
    /// Set the process's peak back to what it uses now.
    ///
    /// # Errors
    /// `/proc` does not offer it: not Linux, or the process is gone or another user's.
    pub fn start(pid: u32) -> Result<Self> {
        // Source: proc_pid_clear_refs(5): 5 resets VmHWM to the current VmRSS.
        let path = format!("/proc/{pid}/clear_refs");
        fs::write(&path, "5").with_context(|| format!("cannot reset the peak through {path}"))?;
        Ok(Self {
            pid,
            before_kb: status_kb(pid, "VmRSS")?,
        })
    }

    /// Read the peak since `start`.
    ///
    /// # Errors
    /// The process is gone.
    pub fn finish(self) -> Result<Growth> {
        Ok(Growth {
            before_kb: self.before_kb,
            peak_kb: status_kb(self.pid, "VmHWM")?,
        })
    }
}

impl Growth {
    pub fn grown_kb(&self) -> u64 {
        self.peak_kb.saturating_sub(self.before_kb)
    }
}

/// Read one field of `/proc/PID/status`. Units: kB, as Linux prints them.
fn status_kb(pid: u32, field: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse().ok())
        .with_context(|| format!("{path} has no {field}"))
}
