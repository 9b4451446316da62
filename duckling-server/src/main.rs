//! The stand-alone server: command line, logging and signals.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Parser;
use duckling_server::{Config, run};
use tokio::net::{TcpListener, lookup_host};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Duckling: serve a DuckDB over Arrow Flight SQL.
#[derive(Parser)]
#[command(name = "duckling-server", version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one, which is printed
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8815")]
    listen: String,
    /// Database file to serve; in memory if not given
    #[arg(long, value_name = "PATH")]
    database: Option<PathBuf>,
    /// Listen beyond loopback although there is no authentication yet
    #[arg(long)]
    insecure: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("DUCKLING_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let address = resolve(&arguments.listen).await?;
    if !address.ip().is_loopback() && !arguments.insecure {
        bail!(
            "{address} can be reached from other machines and there is no authentication: pass --insecure to allow it"
        );
    }
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr().context("the listener has no address")?;
    // A line that programs wait for: whoever started us with port 0 reads the port here.
    println!("listening on {address}");
    std::io::stdout().flush().context("cannot write to standard output")?;

    let config = Config {
        database_path: arguments.database,
    };
    run(listener, config, stop_signal()?).await?;
    Ok(())
}

async fn resolve(listen: &str) -> anyhow::Result<SocketAddr> {
    let mut addresses = lookup_host(listen)
        .await
        .with_context(|| format!("--listen {listen}: expected HOST:PORT"))?;
    addresses
        .next()
        .with_context(|| format!("--listen {listen}: the host has no address"))
}

/// Resolves at the first SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
