//! Nothing to call: this crate pins the features of `syn`, which libduckdb-sys's build script is built with.
//!
//! Cargo hashes those features into DuckDB's compiled copy, and unifies them over the crates of one build. Without the
//! pin, `cargo build -p …`, or a new dependency with a derive macro, would compile DuckDB again, for half an hour.
//! Every crate that touches DuckDB takes this one as a build dependency.
