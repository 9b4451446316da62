//! What the user sees: a block per run, and the closing line.

use std::fmt;
use std::time::Duration;

/// The end of one run.
pub struct Report {
    pub name: String,
    pub verdict: Verdict,
    pub duration: Duration,
}

pub enum Verdict {
    /// With what the test asked to print.
    Passed(String),
    Failed(String),
    Skipped(String),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, seconds) = (&self.name, self.duration.as_secs_f64());
        match &self.verdict {
            Verdict::Passed(output) => {
                write!(f, "PASS {name} ({seconds:.2} s)")?;
                indented(f, output)
            }
            Verdict::Failed(output) => {
                write!(f, "FAIL {name} ({seconds:.2} s)")?;
                indented(f, output)
            }
            Verdict::Skipped(reason) => write!(f, "SKIP {name}: {reason}"),
        }
    }
}

fn indented(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| write!(f, "\n    {line}"))
}

/// Counts the runs.
#[derive(Default)]
pub struct Totals {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Totals {
    pub fn add(&mut self, report: &Report) {
        match report.verdict {
            Verdict::Passed(_) => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Skipped(_) => self.skipped += 1,
        }
    }

    pub fn success(&self) -> bool {
        self.failed == 0
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}
