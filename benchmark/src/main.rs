//! The TPC-H demo and the measurements of Duckherder. Drives the products of `make`: the extension in a DuckDB of its own,
//! a stand-alone `duckling-server`, the shell. Links neither extension nor server.

mod answer;
mod bench_cluster;
mod bench_tables;
mod client;
mod cluster;
mod demo;
mod demo_cluster;
mod duckling;
mod fixed_costs;
mod lineitem;
mod memory;
mod mixed_join;
mod model;
mod process;
mod products;
mod quickstart;
mod stream_memory;
mod tpch;
mod transfer;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Show and measure what Duckherder does with TPC-H data.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load TPC-H into a server, run the 22 queries there and locally, compare; then the quick start.
    Demo(workspace::Args),
    /// TPC-H on Parquet files, on worker processes of which one is killed, compared with one DuckDB.
    DemoCluster(demo_cluster::Args),
    /// TPC-H on Parquet files, on 1, 2 and 4 workers of one thread, against one DuckDB with as many threads.
    BenchCluster(bench_cluster::Args),
    /// Time to load lineitem into distributed tables, and bytes read with pruning and without; part of bench-cluster too.
    BenchTables(bench_tables::Args),
    /// Peak memory of client and server while all columns of lineitem stream to the client.
    StreamMemory(stream_memory::Args),
    /// Time to copy lineitem to the server and back, as ratios to a copy inside one process.
    Transfer(transfer::Args),
    /// Bytes on the wire and time of joins of local keys with lineitem on the server.
    MixedJoin(mixed_join::Args),
    /// The client process of stream-memory.
    #[command(hide = true)]
    StreamClient(stream_memory::ClientArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("duckherder-benchmark: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Run one command. `false`: it ran to its end and what it checks does not hold.
fn run(command: Command) -> Result<bool> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::DemoCluster(args) => demo_cluster::run(&args),
        Command::BenchCluster(args) => bench_cluster::run(&args),
        Command::BenchTables(args) => bench_tables::run(&args),
        Command::StreamMemory(args) => stream_memory::run(&args),
        Command::Transfer(args) => transfer::run(&args),
        Command::MixedJoin(args) => mixed_join::run(&args),
        Command::StreamClient(args) => stream_memory::run_client(&args),
    }
}
