//! What every command needs: the scale of the data and a folder for files that vanish when the command ends.

use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Options of every command.
#[derive(clap::Args)]
pub struct Args {
    /// TPC-H scale factor: 1 is about 1 GB, 6 million rows of lineitem
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// Folder for generated data and spilled intermediates; emptied at the end [default: the system's temporary folder]
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

impl Args {
    /// Create a fresh folder, deleted when dropped.
    ///
    /// # Errors
    /// The scale is not positive, or the parent folder cannot be written.
    pub fn create_dir(&self) -> Result<TempDir> {
        ensure!(self.scale > 0.0, "--scale must be positive, got {}", self.scale);
        let parent = self.dir.clone().unwrap_or_else(env::temp_dir);
        tempfile::Builder::new()
            .prefix("duckherder-")
            .tempdir_in(&parent)
            .with_context(|| {
                format!(
                    "cannot create a folder in {}: choose another with --dir",
                    parent.display()
                )
            })
    }
}

/// Run a step and measure it.
///
/// # Errors
/// Those of the step.
pub fn timed<T>(step: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let value = step()?;
    Ok((value, start.elapsed()))
}
