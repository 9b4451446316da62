//! DuckDB's ICU extension: time zones, calendars and collations. Compiled where `scripts/fetch_icu.py` has left its
//! sources, once for all checkouts that share a target folder.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// Pins the package that the sources are taken from: `duckdb==VERSION --hash=sha256:…`.
const REQUIREMENTS: &str = "icu/requirements.txt";
/// How much of the hash names the folder.
const FOLDER_NAME_LENGTH: usize = 16;
const INCLUDES: [&str; 4] = ["", "include", "collation/include", "datetime/include"];
/// What it needs beside, which DuckDB has compiled into it.
const THIRD_PARTIES: [&str; 2] = ["fmt", "zstd"];
const LIBRARY: &str = "duckdb_icu";

/// Fetched sources.
pub struct Icu {
    /// DuckDB's version, without v.
    version: String,
    /// Holds `source/`, and beside it what was compiled of it.
    folder: PathBuf,
}

/// Look for the sources, and have cargo ask again when they appear or change.
pub fn find() -> Option<Icu> {
    println!("cargo:rerun-if-changed={REQUIREMENTS}");
    let requirements = fs::read_to_string(REQUIREMENTS).expect("the requirements are part of the crate");
    let (version, sha256) = requirements
        .lines()
        .find_map(|line| line.strip_prefix("duckdb==")?.split_once(" --hash=sha256:"))
        .expect("the requirements pin one package by version and SHA-256");
    let versions = target_folder().join("duckdb-icu");
    let icu = Icu {
        version: version.to_string(),
        folder: versions.join(&sha256[..FOLDER_NAME_LENGTH]),
    };
    if icu.source().is_dir() {
        println!("cargo:rerun-if-changed={}", icu.source().display());
        return Some(icu);
    }
    // A path that does not exist counts as changed at every build, so watch one that does.
    fs::create_dir_all(&versions).expect("the target folder can be written to");
    println!("cargo:rerun-if-changed={}", versions.display());
    println!("cargo:warning=the server is built without ICU: `make` fetches its sources, plain cargo does not");
    None
}

impl Icu {
    /// The folder of the header that declares the extension.
    pub fn include(&self) -> PathBuf {
        self.source().join("include")
    }

    /// Link the extension, compiling it if nobody has with this compiler, these flags and this DuckDB.
    pub fn link(&self, compiler: cc::Build, duckdb_include: &Path) {
        let folder = self.folder.join(key(&compiler, duckdb_include));
        let library = format!("lib{LIBRARY}.a");
        if !folder.join(&library).is_file() {
            let compiled = self.compile(compiler, duckdb_include).join(&library);
            publish(&compiled, &folder, &library);
        }
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-lib=static={LIBRARY}");
    }

    /// The folder that the library is compiled into.
    fn compile(&self, mut compiler: cc::Build, duckdb_include: &Path) -> PathBuf {
        let folder = out_folder().join("icu");
        let source = self.source();
        compiler
            .define("EXT_VERSION_ICU", format!("\"v{}\"", self.version).as_str())
            .include(duckdb_include)
            .includes(THIRD_PARTIES.map(|name| duckdb_include.join("../../third_party").join(name).join("include")))
            .includes(INCLUDES.map(|include| source.join(include)))
            .files(cpp_files(&source))
            .cargo_metadata(false)
            .out_dir(&folder)
            .compile(LIBRARY);
        folder
    }

    fn source(&self) -> PathBuf {
        self.folder.join("source")
    }
}

/// What the compiled code depends on beside the sources.
fn key(compiler: &cc::Build, duckdb_include: &Path) -> String {
    let tool = compiler.get_compiler();
    let version = tool.to_command().arg("--version").output().expect("the compiler runs");
    // libduckdb-sys names the folder of its headers by a hash of DuckDB's sources. The target folder may move.
    let duckdb = duckdb_include.strip_prefix(target_folder()).unwrap_or(duckdb_include);
    let mut hasher = DefaultHasher::new();
    (tool.path(), tool.args(), version.stdout, duckdb).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Copy a library to where all builds find it; whole at any moment, as another build may look or do the same.
fn publish(compiled: &Path, folder: &Path, library: &str) {
    let unfinished = folder.join(format!("{library}.{}", process::id()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(compiled, &unfinished))
        .and_then(|_| fs::rename(&unfinished, folder.join(library)))
        .expect("the target folder can be written to");
}

fn cpp_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            files.extend(cpp_files(&path));
        } else if path.extension() == Some(OsStr::new("cpp")) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Cargo's: <target>/release/build/duckling-server-<hash>/out is this build's own.
fn target_folder() -> PathBuf {
    let out = out_folder();
    let builds = out.ancestors().find(|folder| folder.ends_with("build"));
    let target = builds.and_then(|folder| folder.ancestors().nth(2));
    target.expect("cargo's layout").to_path_buf()
}

fn out_folder() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"))
}
