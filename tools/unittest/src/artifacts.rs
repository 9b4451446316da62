//! Where the build leaves the extension file and the server.

use std::path::{Path, PathBuf};

const EXTENSION: &str = "extension/duckherder/duckherder.duckdb_extension";
const SERVER: &str = "duckling-server";

/// The products under test.
#[derive(Debug, Clone)]
pub struct Artifacts {
    pub extension: PathBuf,
    pub server_binary: PathBuf,
}

impl Artifacts {
    /// Takes the named files, or those of the build: `build/release` above this program, else beside the tests.
    pub fn locate(extension: Option<PathBuf>, server_binary: Option<PathBuf>, test_directory: &Path) -> Self {
        let above_program = std::env::current_exe()
            .ok()
            .and_then(|program| program.parent().and_then(Path::parent).map(Path::to_owned));
        let beside_tests = test_directory.ancestors().nth(2).map(|root| root.join("build/release"));
        let builds: Vec<PathBuf> = above_program.into_iter().chain(beside_tests).collect();
        let find = |name: &str| {
            let candidates: Vec<PathBuf> = builds.iter().map(|build| build.join(name)).collect();
            let existing = candidates.iter().find(|candidate| candidate.is_file());
            existing
                .or(candidates.first())
                .cloned()
                .unwrap_or_else(|| PathBuf::from(name))
        };
        Self {
            extension: extension.unwrap_or_else(|| find(EXTENSION)),
            server_binary: server_binary.unwrap_or_else(|| find(SERVER)),
        }
    }
}
