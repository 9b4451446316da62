//! Compiles the engine's C++ against the headers of the very DuckDB that is linked.

use std::env;

const SOURCES: [&str; 6] = [
    "src/engine/cpp/arrow_batches.cpp",
    "src/engine/cpp/connection.cpp",
    "src/engine/cpp/describe_and_submit.cpp",
    "src/engine/cpp/engine_error.cpp",
    "src/engine/cpp/ingest.cpp",
    "src/engine/cpp/stream.cpp",
];

fn main() {
    let include = env::var("DEP_DUCKDB_INCLUDE").expect("libduckdb-sys publishes its include directory");
    println!("cargo:rerun-if-changed=src/engine/cpp");
    println!("cargo:rerun-if-changed=protocol/cpp");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .include(include)
        .include("protocol/cpp")
        // DuckDB's class layouts depend on these two: they must be what libduckdb-sys used.
        .define("NDEBUG", None)
        .flag("-UDEBUG")
        .warnings(false)
        .files(SOURCES)
        .compile("duckling_engine");
}
