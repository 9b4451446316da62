//! Compiles the C++ bridge against the headers of the very DuckDB that is linked.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let include = env::var("DEP_DUCKDB_INCLUDE").expect("libduckdb-sys publishes its include directory");
    println!("cargo:rerun-if-changed=src/bridge/cpp");
    println!("cargo:rerun-if-changed=duckling-server/protocol/cpp");
    let mut sources: Vec<PathBuf> = fs::read_dir("src/bridge/cpp")
        .expect("the bridge's sources are part of the crate")
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
        .collect();
    sources.sort();
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .include(&include)
        // A header of DuckDB's includes fmt.
        .include(Path::new(&include).join("../../third_party/fmt/include"))
        .include("duckling-server/protocol/cpp")
        // DuckDB's class layouts depend on these two: they must be what libduckdb-sys used.
        .define("NDEBUG", None)
        .flag("-UDEBUG")
        .warnings(false)
        .files(sources)
        .compile("duckherder_bridge");
}
