"""How the sources of ICU get into a build, or how a build without them is told so. No test asks a registry."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import extension_config
import fetch_icu

VERSION = extension_config.load().duckdb_version.removeprefix("v")
EXTENSION = f"duckdb-{VERSION}/{fetch_icu.SOURCES}"
PROJECT = """
[project]
name = "duckdb"
dynamic = ["version"]
[build-system]
build-backend = "in_tree_backend"
backend-path = ["."]
requires = ["scikit-build-core"]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], str]:
    """Make the only source distribution that pip can find, of the given files; its SHA-256."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    def make(files: dict[str, str]) -> str:
        archive = folder / f"duckdb-{VERSION}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return hashlib.sha256(archive.read_bytes()).hexdigest()

    return make


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Run the script with another SHA-256 pinned; the target folder."""

    def run(sha256: str) -> Path:
        requirements, target = tmp_path / "requirements.txt", tmp_path / "target"
        requirements.write_text(f"duckdb=={VERSION} --hash=sha256:{sha256}\n")
        target.mkdir(exist_ok=True)
        monkeypatch.setattr(fetch_icu, "REQUIREMENTS", requirements)
        monkeypatch.setattr("sys.argv", ["fetch_icu.py", str(target)])
        fetch_icu.main()
        return target

    return run


FILES = {
    f"duckdb-{VERSION}/PKG-INFO": f"Metadata-Version: 2.1\nName: duckdb\nVersion: {VERSION}\n",
    f"duckdb-{VERSION}/pyproject.toml": PROJECT,
    # As the real one: it needs a package that nobody has installed.
    f"duckdb-{VERSION}/in_tree_backend.py": "from scikit_build_core.build import *\n",
    f"{EXTENSION}/icu_extension.cpp": "// the extension",
    f"{EXTENSION}/include/icu_extension.hpp": "// its header",
    f"{EXTENSION}/README.md": "not needed",
    f"duckdb-{VERSION}/external/duckdb/src/main/database.cpp": "// not needed",
}


def test_the_sources_are_fetched_once(package: Callable, fetch: Callable, capsys: pytest.CaptureFixture) -> None:
    sha256 = package(FILES)
    target = fetch(sha256)
    folder = target / "duckdb-icu" / sha256[:16]
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"source/icu_extension.cpp", "source/include/icu_extension.hpp"}
    assert [path.name for path in target.iterdir()] == ["duckdb-icu"], "nothing is left over"
    output = capsys.readouterr()
    assert (output.out.count("Fetched the sources"), output.err) == (1, "")
    package({})
    fetch(sha256)
    assert capsys.readouterr() == ("", "")


def test_another_archive_than_the_pinned_one_is_not_used(
    package: Callable, fetch: Callable, capsys: pytest.CaptureFixture
) -> None:
    package(FILES)
    target = fetch("0" * 64)
    output = capsys.readouterr()
    assert output.err.count("\n") == 1
    assert "warning: the server is built without ICU" in output.err
    assert "HASHES" in output.err
    assert list((target / "duckdb-icu").iterdir()) == []


def test_without_a_registry_the_build_goes_on(
    package: Callable, fetch: Callable, capsys: pytest.CaptureFixture
) -> None:
    target = fetch("0" * 64)
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert "warning: the server is built without ICU" in output.err
    assert list((target / "duckdb-icu").iterdir()) == []


def test_the_pinned_version_is_that_of_the_build() -> None:
    version, sha256 = fetch_icu.pinned()
    assert (version, len(sha256)) == (VERSION, 64)
