//! A directory of test files and the runner on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A temporary test directory.
pub struct Fixture {
    directory: TempDir,
}

/// What the runner did.
pub struct Run {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The last line, alone.
    pub fn closing_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

impl Fixture {
    /// Makes a directory with these files, given as path and text.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let fixture = Self {
            directory: TempDir::new().expect("a temporary directory can be made"),
        };
        for (path, text) in files {
            let path = fixture.path().join(path);
            std::fs::create_dir_all(path.parent().expect("it is below the directory")).expect("it can be made");
            std::fs::write(path, text).expect("a file can be written");
        }
        fixture
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a shell script that can be executed.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file can be written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode can be set");
        path
    }

    /// Runs the runner in this directory.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_unittest"))
            .arg("--test-dir")
            .arg(self.path())
            .args(arguments)
            .current_dir(self.path())
            .output()
            .expect("the runner starts");
        Run {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs one file that must fail, and checks that the output has all of these parts.
pub fn must_fail(text: &str, parts: &[&str]) {
    let run = Fixture::new(&[("case.test", text)]).run(&[]);
    assert!(!run.success, "it passed:\n{text}\n{}", run.stdout);
    assert_eq!(run.closing_line(), "0 passed, 1 failed", "{}", run.stdout);
    for part in parts {
        assert!(
            run.stdout.contains(part),
            "no `{part}` in:\n{}\n{}",
            run.stdout,
            run.stderr
        );
    }
}

/// Runs one file that must pass.
pub fn must_pass(text: &str) -> Run {
    let run = Fixture::new(&[("case.test", text)]).run(&[]);
    assert!(run.success, "it failed:\n{text}\n{}\n{}", run.stdout, run.stderr);
    assert_eq!(run.closing_line(), "1 passed, 0 failed", "{}", run.stdout);
    run
}
