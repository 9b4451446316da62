"""Fetches the sources of DuckDB's ICU extension, once per target folder:  fetch_icu.py TARGET_FOLDER

The DuckDB that cargo builds lacks ICU: time zones, calendars, collations. DuckDB's Python package holds its sources.
pip fetches the source distribution that duckling-server/icu/requirements.txt pins by version and SHA-256, from whatever
index it is configured for; duckling-server/icu/build.rs compiles what this leaves behind. Not fetching it is no
failure: the server is then built without ICU, and this says so.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from pathlib import Path, PurePosixPath

import extension_config

REQUIREMENTS = extension_config.ROOT / "duckling-server" / "icu" / "requirements.txt"
SOURCES = "external/duckdb/extension/icu"
SOURCE_SUFFIXES = {".cpp", ".hpp"}
# Of the whole fetch. pip gives up much earlier when it is offline; this is for a network that swallows packets.
LIMIT_S = 300
PIP_OPTIONS = ("--quiet", "--disable-pip-version-check", "--retries", "2", "--timeout", "20")

# pip wants the metadata of what it downloads, and asks the package's build backend for it, which wants CMake and more.
# This stands in for that backend and knows the answer.
STAND_IN_BACKEND = """
from pathlib import Path

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory, "duckdb-{version}.dist-info")
    folder.mkdir()
    folder.joinpath("METADATA").write_text("Metadata-Version: 2.1\\nName: duckdb\\nVersion: {version}\\n")
    return folder.name

def get_requires_for_build_wheel(config_settings=None):
    return []

build_editable = build_sdist = build_wheel = None
get_requires_for_build_editable = get_requires_for_build_sdist = prepare_metadata_for_build_editable = None
"""


class FetchError(Exception):
    """Why the sources could not be had, in one line."""


def pinned() -> tuple[str, str]:
    """Version and SHA-256 of the source distribution."""
    found = re.search(r"^duckdb==(\S+) --hash=sha256:([0-9a-f]{64})$", REQUIREMENTS.read_text(encoding="utf-8"), re.M)
    if not found:
        raise ValueError(f"{REQUIREMENTS} does not pin duckdb by version and SHA-256")
    version, sha256 = found.groups()
    wanted = extension_config.load().duckdb_version
    if f"v{version}" != wanted:
        raise ValueError(f"{REQUIREMENTS} pins DuckDB {version}, extension_config.toml says {wanted}")
    return version, sha256


def download(version: str, work: Path) -> Path:
    """Let pip download the source distribution and check its SHA-256. Raises FetchError."""
    backend = work / "backend" / "scikit_build_core"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    (backend / "build.py").write_text(STAND_IN_BACKEND.format(version=version), encoding="utf-8")
    # An environment of its own: python3 may come without pip, and must not see a real scikit_build_core.
    environment = work / "venv"
    try:
        venv.create(environment, with_pip=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise FetchError(f"python3 cannot make a virtual environment: {error}") from error
    archive = work / "archive"
    command = [environment / "bin" / "python", "-m", "pip", "download", *PIP_OPTIONS]
    command += ["--no-deps", "--no-binary", "duckdb", "--no-build-isolation", "--require-hashes"]
    command += ["--dest", archive, "--requirement", REQUIREMENTS]
    try:
        pip = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(backend.parent)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"pip did not end within {LIMIT_S} seconds") from None
    if pip.returncode != 0:
        errors = [line.removeprefix("ERROR: ") for line in pip.stderr.splitlines() if line.startswith("ERROR: ")]
        raise FetchError(f"pip: {errors[0] if errors else f'exit code {pip.returncode}'}")
    return next(archive.iterdir())


def extract(archive: Path, folder: Path) -> None:
    """Unpack the extension's C++ files into `folder`. Raises FetchError."""
    with tarfile.open(archive) as files:
        for member in files:
            # The first part names the distribution.
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if not member.isfile() or path.suffix not in SOURCE_SUFFIXES or not path.is_relative_to(SOURCES):
                continue
            target = folder / path.relative_to(SOURCES)
            target.parent.mkdir(parents=True, exist_ok=True)
            # Not tarfile's extract: cargo looks for files newer than its last build, the archive's are years old.
            target.write_bytes(files.extractfile(member).read())
    if not (folder / "icu_extension.cpp").is_file():
        raise FetchError(f"{archive.name} has no {SOURCES}")


def fetch(target_folder: Path) -> None:
    """Put the sources where duckling-server/build.rs looks for them, unless they are there. Raises FetchError."""
    version, sha256 = pinned()
    folder = target_folder / "duckdb-icu" / sha256[:16]
    if folder.is_dir():
        return
    started = time.monotonic()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the cache, so that a rename can move it there whole; not inside: build.rs watches that.
    with tempfile.TemporaryDirectory(prefix=".duckdb-icu-", dir=target_folder) as work:
        complete = Path(work, "complete")
        extract(download(version, Path(work)), complete / "source")
        try:
            complete.rename(folder)
        except OSError:
            # Another build was faster.
            if not folder.is_dir():
                raise
    print(f"Fetched the sources of DuckDB {version}'s ICU extension in {time.monotonic() - started:.0f} s")


def main() -> None:
    try:
        fetch(Path(sys.argv[1]))
    except (FetchError, OSError) as error:
        print(
            f"warning: the server is built without ICU (time zones, calendars, collations): {error}. "
            "The next `make` tries again.",
            file=sys.stderr,
        )
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
