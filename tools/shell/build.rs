//! Compiles the C++ bridge against the headers of the DuckDB that libduckdb-sys has built.

use std::env;
use std::fs;
use std::path::PathBuf;

fn main() {
    let include = PathBuf::from(env::var("DEP_DUCKDB_INCLUDE").expect("libduckdb-sys publishes its include directory"));
    let third_party = include.join("../../third_party/utf8proc/include");
    let sources = PathBuf::from("src/cpp");
    println!("cargo:rerun-if-changed={}", sources.display());

    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .define("NDEBUG", None)
        .include(&include)
        .include(third_party)
        .flag_if_supported("-Wno-unused-parameter");
    for entry in fs::read_dir(&sources).expect("src/cpp is part of the crate") {
        let path = entry.expect("src/cpp is readable").path();
        if path.extension().is_some_and(|extension| extension == "cpp") {
            build.file(path);
        }
    }
    build.compile("duckherder_shell_bridge");
}
