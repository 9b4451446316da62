"""What `make` says when something that it needs is missing: its name and the command that installs it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT

NEEDED_BY_MAKE = ("make", "bash", "sh", "dirname", "sed", "sort", "head", "cut")
PROGRAMS = {"cargo": "echo cargo 99.0.0", "c++": "", "strip": "", "nm": "", "python3": ""}

Make = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Run a target of the Makefile on a machine that has just the given programs, by name and what they do."""

    def run(target: str, programs: dict[str, str]) -> subprocess.CompletedProcess:
        for name in NEEDED_BY_MAKE:
            (tmp_path / name).symlink_to(shutil.which(name))
        for name, body in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
        environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
        return subprocess.run(["make", target], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    return run


def test_nothing_is_missing(make: Make) -> None:
    done = make("prerequisites", PROGRAMS)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("missing", "message", "command"),
    [
        ("cargo", "cargo is missing", "https://sh.rustup.rs | sh"),
        ("c++", "a C++17 compiler (c++) is missing", "sudo apt-get install g++"),
        ("nm", "strip and nm are missing", "sudo apt-get install binutils"),
        ("python3", "python3 is missing", "sudo apt-get install python3 python3-venv"),
    ],
)
def test_a_missing_program_is_named(make: Make, missing: str, message: str, command: str) -> None:
    done = make("prerequisites", {name: body for name, body in PROGRAMS.items() if name != missing})
    assert done.returncode != 0
    assert f"error: {message}" in done.stderr
    assert command in done.stderr
    assert done.stderr.count("error: ") == 1


@pytest.mark.parametrize(
    ("program", "body", "message", "command"),
    [
        ("cargo", "echo cargo 1.70.0", "Rust 1.70.0 is too old", "rustup update stable"),
        ("cargo", "exit 1", "cargo does not run", "rustup default stable"),
        ("c++", "exit 1", "a C++17 compiler (c++) is missing", "sudo apt-get install g++"),
        ("python3", 'case "$*" in *tomllib*) exit 1;; *) echo Python 3.9.2;; esac', "Python 3.9.2 is too old", "python3"),
        ("python3", 'case "$*" in *venv*) exit 1;; esac', "python3 lacks its venv module", "python3-venv"),
    ],
)
def test_a_program_that_does_not_do_is_named(make: Make, program: str, body: str, message: str, command: str) -> None:
    done = make("prerequisites", PROGRAMS | {program: body})
    assert done.returncode != 0
    assert f"error: {message}" in done.stderr
    assert command in done.stderr


@pytest.mark.parametrize("target", ["all", "test", "test-python", "demo", "check"])
def test_a_target_stops_before_it_builds(make: Make, target: str) -> None:
    done = make(target, {})
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.count("error: ") == 3
