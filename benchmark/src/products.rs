//! Where the build put what the benchmark drives. Paths are part of the contract: everything lies beside this program.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The products of one build, in `build/release`.
pub struct Products {
    dir: PathBuf,
}

impl Products {
    /// Find the products beside the running executable.
    ///
    /// # Errors
    /// One of them is missing, for instance because the program was started from cargo's own target folder.
    pub fn locate() -> Result<Self> {
        let executable = env::current_exe().context("cannot find this program's own path")?;
        let dir = executable.parent().context("this program has no folder")?.to_path_buf();
        let products = Self { dir };
        for file in [
            products.extension(),
            products.server(),
            products.shell(),
            products.quickstart(),
        ] {
            ensure!(
                file.is_file(),
                "{} does not exist: run `make`, then build/release/duckherder-benchmark",
                show(&file)
            );
        }
        Ok(products)
    }

    pub fn extension(&self) -> PathBuf {
        self.dir.join("extension/duckherder/duckherder.duckdb_extension")
    }

    pub fn server(&self) -> PathBuf {
        self.dir.join("duckling-server")
    }

    pub fn shell(&self) -> PathBuf {
        self.dir.join("duckdb")
    }

    /// The quick start of the repository that holds `build/release`.
    pub fn quickstart(&self) -> PathBuf {
        self.dir.join("../../sql/quickstart.sql")
    }
}

/// A path as a user would type it: without `..`, relative to the current folder if it lies inside.
pub fn show(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let relative = env::current_dir()
        .ok()
        .and_then(|dir| path.strip_prefix(dir).ok().map(Path::to_path_buf));
    relative.unwrap_or(path).display().to_string()
}
