//! Runs `sql/quickstart.sql` in the shell, as a new user would.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::products::{Products, show};

/// The port that the quick start uses.
pub const PORT: u16 = 8815;

/// Run the quick start and let it print. When its port is taken, a copy with a free one runs instead.
///
/// # Errors
/// The shell ends with an error.
pub fn run(products: &Products, dir: &Path) -> Result<()> {
    let script = runnable_script(&products.quickstart(), dir)?;
    println!("{} -f {}", show(&products.shell()), show(&script));
    let status = Command::new(products.shell())
        .arg("-f")
        .arg(&script)
        .status()
        .with_context(|| format!("cannot start {}", products.shell().display()))?;
    ensure!(status.success(), "the quick start failed: {status}");
    Ok(())
}

fn runnable_script(script: &Path, dir: &Path) -> Result<PathBuf> {
    if TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).is_ok() {
        return Ok(script.to_path_buf());
    }
    let free_port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    println!("Port {PORT} is taken: a copy with port {free_port} runs instead");
    let sql = fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    let copy = dir.join("quickstart.sql");
    fs::write(&copy, sql.replace(&PORT.to_string(), &free_port.to_string()))?;
    Ok(copy)
}
