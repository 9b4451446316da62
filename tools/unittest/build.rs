//! Compiles the C++ that reads DuckDB values, against the headers of the DuckDB that `libduckdb-sys` built.

use std::env;

fn main() {
    let include = env::var("DEP_DUCKDB_INCLUDE").expect("libduckdb-sys publishes its include directory");
    println!("cargo:rerun-if-changed=src/cpp/value.cpp");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .include(include)
        // The class layouts of DuckDB depend on these two: the linked DuckDB was built with NDEBUG and without DEBUG.
        .define("NDEBUG", None)
        .flag_if_supported("-UDEBUG")
        .warnings(false)
        .file("src/cpp/value.cpp")
        .compile("duckherder_unittest_value");
}
