//! The stand-alone server: from the command line to the exit code.

mod cli;
mod signals;

use std::io::{Write, stderr, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use duckling_server::Server;
use tokio::net::{TcpListener, lookup_host};
use tokio::runtime::Runtime;

use cli::{Arguments, CliError, Invocation, logging};
use signals::Signals;

/// What was asked for makes no sense; other failures end with 1.
const USAGE: u8 = 2;
/// How long threads that are still blocked may take when all else has ended.
const RUNTIME_PATIENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = if error.is::<CliError>() { USAGE } else { 1 };
            // DuckDB's messages can have several lines.
            let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            // Without anybody to tell, the exit code says it.
            let _ = writeln!(stderr(), "error: {line}");
            ExitCode::from(code)
        }
    }
}

fn start() -> anyhow::Result<()> {
    let arguments = match cli::parse(std::env::args_os())? {
        Invocation::Serve(arguments) => arguments,
        Invocation::Show(text) => return text.print().context("cannot write to standard output"),
    };
    logging::start(&arguments)?;
    let runtime = Runtime::new().context("cannot start threads")?;
    let outcome = runtime.block_on(serve(*arguments));
    runtime.shutdown_timeout(RUNTIME_PATIENCE);
    outcome
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let (listen, join, insecure) = (arguments.listen.clone(), arguments.join.clone(), arguments.insecure);
    let config = arguments.config()?;
    let address = resolve("--listen", &listen).await?;
    if !address.ip().is_loopback() && !insecure {
        bail!(
            "{address} can be reached from other machines and there is no authentication: pass --insecure to allow it"
        );
    }
    if let Some(driver) = join.filter(|_| !insecure) {
        let driver = resolve("--join", &driver).await?;
        if !driver.ip().is_loopback() {
            bail!("{driver} is another machine and there is no authentication: pass --insecure to join it");
        }
    }
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let signals = Signals::handle().context("cannot handle signals")?;
    let server = Server::open(config).await?;
    // A line that programs wait for: whoever started us with port 0 reads the port here.
    announce(address).context("cannot write to standard output")?;
    server.serve(listener, signals.first(), signals.second()).await?;
    Ok(())
}

async fn resolve(flag: &str, text: &str) -> anyhow::Result<SocketAddr> {
    let mut addresses = lookup_host(text)
        .await
        .with_context(|| format!("{flag} {text}: expected HOST:PORT"))?;
    addresses
        .next()
        .with_context(|| format!("{flag} {text}: the host has no address"))
}

fn announce(address: SocketAddr) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "listening on {address}")?;
    out.flush()
}
