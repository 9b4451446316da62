//! CPU time and reads of processes as Linux counts them.

use std::fs;

use anyhow::{Context, Result};

/// CPU time of processes so far, in steps of 10 ms.
///
/// # Errors
/// A process is gone.
pub fn cpu_ms(pids: &[u32]) -> Result<f64> {
    // Source: proc_pid_stat(5): utime and stime, the 12th and 13th fields behind the name, in ticks of 10 ms.
    const MS_PER_TICK: f64 = 10.0;
    let mut sum = 0.0;
    for pid in pids {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let (_, fields) = stat.rsplit_once(") ").with_context(|| format!("{path} has no name"))?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
        sum += ticks
            .sum::<Result<f64, _>>()
            .with_context(|| format!("{path} has no times"))?
            * MS_PER_TICK;
    }
    Ok(sum)
}

/// Bytes that processes have read from files so far, also what the system had in memory.
///
/// # Errors
/// A process is gone, or another user's.
pub fn bytes_read(pids: &[u32]) -> Result<u64> {
    // Source: proc_pid_io(5): rchar counts what read(2) and pread(2) return. Sockets are read by recv(2).
    let mut sum = 0;
    for pid in pids {
        let path = format!("/proc/{pid}/io");
        let io = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let bytes = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        sum += bytes
            .and_then(|bytes| bytes.parse::<u64>().ok())
            .with_context(|| format!("{path} has no rchar"))?;
    }
    Ok(sum)
}
