//! Finds test files and picks those that the filters name.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use glob::Pattern;

#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    #[error("there is no directory test/sql here or above; name one with --test-dir")]
    NoTestDirectory,
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("there is no test file below {}", .0.display())]
    NoTests(PathBuf),
    #[error("`{filter}` matches no test file below {}", directory.display())]
    NoMatch { filter: String, directory: PathBuf },
    #[error("`{filter}` is not a valid pattern: {source}")]
    BadPattern { filter: String, source: glob::PatternError },
}

/// Finds `test/sql` in the current directory or the nearest one above it.
///
/// # Errors
/// When there is none.
pub fn default_directory() -> Result<PathBuf, DiscoverError> {
    let current = std::env::current_dir().map_err(|source| unreadable(Path::new("."), source))?;
    let found = current
        .ancestors()
        .map(|above| above.join("test/sql"))
        .find(|candidate| candidate.is_dir());
    found.ok_or(DiscoverError::NoTestDirectory)
}

/// Lists the test files that at least one filter names, or all without a filter. Order: by path.
///
/// # Errors
/// When a filter names none: a misspelled one must not pass.
pub fn test_files(directory: &Path, filters: &[String]) -> Result<Vec<PathBuf>, DiscoverError> {
    let mut all = Vec::new();
    collect(directory, &mut all)?;
    if filters.is_empty() {
        all.sort();
        return if all.is_empty() {
            Err(DiscoverError::NoTests(directory.to_owned()))
        } else {
            Ok(all)
        };
    }
    let mut picked = BTreeSet::new();
    for filter in filters {
        let matching = matching(directory, &all, filter)?;
        if matching.is_empty() {
            let directory = directory.to_owned();
            return Err(DiscoverError::NoMatch {
                filter: filter.clone(),
                directory,
            });
        }
        picked.extend(matching);
    }
    Ok(picked.into_iter().collect())
}

/// Shortens a path that lies below the current directory.
pub fn shown(path: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(current).unwrap_or(path).to_owned()
}

fn matching(directory: &Path, all: &[PathBuf], filter: &str) -> Result<Vec<PathBuf>, DiscoverError> {
    let path = Path::new(filter);
    if path.is_file() {
        return Ok(vec![
            std::path::absolute(path).map_err(|source| unreadable(path, source))?,
        ]);
    }
    if path.is_dir() {
        let mut below = Vec::new();
        collect(
            &std::path::absolute(path).map_err(|source| unreadable(path, source))?,
            &mut below,
        )?;
        return Ok(below);
    }
    let inside = |path: &Path| path.strip_prefix(directory).unwrap_or(path).to_owned();
    if filter.contains(['*', '?', '[']) {
        let pattern = Pattern::new(filter).map_err(|source| DiscoverError::BadPattern {
            filter: filter.to_owned(),
            source,
        })?;
        let accepts = |path: &Path| pattern.matches_path(&shown(path)) || pattern.matches_path(&inside(path));
        return Ok(all.iter().filter(|path| accepts(path)).cloned().collect());
    }
    let contains = |path: &Path| shown(path).to_string_lossy().contains(filter);
    Ok(all.iter().filter(|path| contains(path)).cloned().collect())
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), DiscoverError> {
    let entries = std::fs::read_dir(directory).map_err(|source| unreadable(directory, source))?;
    for entry in entries {
        let path = entry.map_err(|source| unreadable(directory, source))?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "test") {
            found.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, source: io::Error) -> DiscoverError {
    DiscoverError::Unreadable {
        path: path.to_owned(),
        source,
    }
}
