//! Compiles the engine's C++ against the headers of the very DuckDB that is linked.

#[path = "icu/build.rs"]
mod icu;

use std::env;
use std::path::PathBuf;

const SOURCES: [&str; 64] = [
    "src/engine/cpp/arrow_batches.cpp",
    "src/engine/cpp/bind.cpp",
    "src/engine/cpp/catalog_entries.cpp",
    "src/engine/cpp/clock.cpp",
    "src/engine/cpp/connection.cpp",
    "src/engine/cpp/database.cpp",
    "src/engine/cpp/database_files.cpp",
    "src/engine/cpp/describe.cpp",
    "src/engine/cpp/describe_and_submit.cpp",
    "src/engine/cpp/distribution/distribute.cpp",
    "src/engine/cpp/distribution/distributed_query.cpp",
    "src/engine/cpp/distribution/exchange_operator.cpp",
    "src/engine/cpp/distribution/explain_note.cpp",
    "src/engine/cpp/distribution/feed_operator.cpp",
    "src/engine/cpp/distribution/feeds.cpp",
    "src/engine/cpp/distribution/file_scans.cpp",
    "src/engine/cpp/distribution/fragment_export.cpp",
    "src/engine/cpp/distribution/fragment_joins.cpp",
    "src/engine/cpp/distribution/fragment_planner.cpp",
    "src/engine/cpp/distribution/partial_aggregates.cpp",
    "src/engine/cpp/distribution/plan_fragment.cpp",
    "src/engine/cpp/distribution/query_report.cpp",
    "src/engine/cpp/engine_error.cpp",
    "src/engine/cpp/fragment.cpp",
    "src/engine/cpp/icu.cpp",
    "src/engine/cpp/ingest.cpp",
    "src/engine/cpp/keeps_types.cpp",
    "src/engine/cpp/meter.cpp",
    "src/engine/cpp/notices.cpp",
    "src/engine/cpp/object_store/object_file_system.cpp",
    "src/engine/cpp/object_store/object_glob.cpp",
    "src/engine/cpp/object_store/object_handles.cpp",
    "src/engine/cpp/object_store/object_requests.cpp",
    "src/engine/cpp/prepared.cpp",
    "src/engine/cpp/stream.cpp",
    "src/engine/cpp/table_readers.cpp",
    "src/engine/cpp/tables/alter_plan.cpp",
    "src/engine/cpp/tables/care_functions.cpp",
    "src/engine/cpp/tables/catalog_changes.cpp",
    "src/engine/cpp/tables/change_plan.cpp",
    "src/engine/cpp/tables/changed_rows.cpp",
    "src/engine/cpp/tables/checked_rows.cpp",
    "src/engine/cpp/tables/crash_points.cpp",
    "src/engine/cpp/tables/definition_change.cpp",
    "src/engine/cpp/tables/distributed_table.cpp",
    "src/engine/cpp/tables/duckling_catalog.cpp",
    "src/engine/cpp/tables/durable_files.cpp",
    "src/engine/cpp/tables/list_table.cpp",
    "src/engine/cpp/tables/listed_files.cpp",
    "src/engine/cpp/tables/merge_plan.cpp",
    "src/engine/cpp/tables/packed_values.cpp",
    "src/engine/cpp/tables/read_plan.cpp",
    "src/engine/cpp/tables/record_files.cpp",
    "src/engine/cpp/tables/rewritten_files.cpp",
    "src/engine/cpp/tables/stored_types.cpp",
    "src/engine/cpp/tables/struct_fields.cpp",
    "src/engine/cpp/tables/table_columns.cpp",
    "src/engine/cpp/tables/table_files.cpp",
    "src/engine/cpp/tables/table_layout.cpp",
    "src/engine/cpp/tables/table_snapshots.cpp",
    "src/engine/cpp/tables/table_transactions.cpp",
    "src/engine/cpp/tables/task_write.cpp",
    "src/engine/cpp/tables/unlisted_files.cpp",
    "src/engine/cpp/tables/write_plan.cpp",
];

fn main() {
    let include = env::var_os("DEP_DUCKDB_INCLUDE").expect("libduckdb-sys publishes its include directory");
    let include = PathBuf::from(include);
    println!("cargo:rerun-if-changed=src/engine/cpp");
    println!("cargo:rerun-if-changed=protocol/cpp");
    println!("cargo:rustc-check-cfg=cfg(duckling_icu)");
    let icu = icu::find();
    let mut engine = compiler();
    // A header of DuckDB's includes fmt.
    let fmt = include.join("../../third_party/fmt/include");
    engine
        .include(&include)
        .include(fmt)
        .include("protocol/cpp")
        .include("src/engine/cpp")
        .files(SOURCES);
    if let Some(icu) = &icu {
        println!("cargo:rustc-cfg=duckling_icu");
        engine.define("DUCKLING_ICU", None).include(icu.include());
    }
    engine.compile("duckling_engine");
    if let Some(icu) = &icu {
        icu.link(compiler(), &include);
    }
}

/// The compiler as DuckDB itself was compiled with.
fn compiler() -> cc::Build {
    let mut build = cc::Build::new();
    // DuckDB's class layouts depend on these two: they must be what libduckdb-sys used.
    build
        .cpp(true)
        .std("c++17")
        .define("NDEBUG", None)
        .flag("-UDEBUG")
        .warnings(false);
    build
}
