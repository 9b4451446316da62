//! What `.timer on` prints: wall-clock and CPU time of an input.

use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The times at the start of an input.
pub struct Timer {
    start: Instant,
    cpu: CpuTimes,
}

#[derive(Clone, Copy, Default)]
struct CpuTimes {
    user_s: f64,
    system_s: f64,
}

impl CpuTimes {
    fn now() -> Self {
        let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        getrusage(UsageWho::RUSAGE_SELF).map_or_else(
            |_| Self::default(),
            |usage| Self {
                user_s: seconds(usage.user_time()),
                system_s: seconds(usage.system_time()),
            },
        )
    }
}

impl Timer {
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu: CpuTimes::now(),
        }
    }

    /// The line that DuckDB's shell prints.
    pub fn report(&self) -> String {
        let cpu = CpuTimes::now();
        format!(
            "Run Time (s): real {:.3} user {:.6} sys {:.6}",
            self.start.elapsed().as_secs_f64(),
            cpu.user_s - self.cpu.user_s,
            cpu.system_s - self.cpu.system_s,
        )
    }
}
