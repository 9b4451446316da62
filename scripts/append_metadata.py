"""Turns the compiled library into a file that DuckDB loads: strips it and appends DuckDB's metadata footer.

    append_metadata.py LIBRARY EXTENSION_FILE

The footer must come last: stripping afterwards would drop it.
Source: DuckDB, src/main/extension/extension_load.cpp, ParseExtensionMetaData.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import extension_config
from extension_config import ExtensionConfig

FIELD_BYTES = 32
SIGNATURE_BYTES = 256
MAGIC = "4"
UNUSED_FIELDS = [""] * 3

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "i686"}
SYSTEMS = {"unknown-linux-gnu": "linux_{}", "unknown-linux-musl": "linux_{}_musl", "apple-darwin": "osx_{}"}


def footer(config: ExtensionConfig, platform: str) -> bytes:
    """Eight fields of 32 bytes, last one first, then room for a signature, which an unsigned extension leaves empty."""
    fields = [MAGIC, platform, config.duckdb_version, config.version, config.abi, *UNUSED_FIELDS]
    for field in fields:
        if len(field) > FIELD_BYTES:
            raise ValueError(f"{field!r} does not fit into a field of {FIELD_BYTES} bytes")
    return b"".join(field.encode("ascii").ljust(FIELD_BYTES, b"\0") for field in reversed(fields)) + bytes(SIGNATURE_BYTES)


def duckdb_platform(target: str) -> str:
    """What DuckDB::Platform() answers when built for a Rust target such as x86_64-unknown-linux-gnu."""
    architecture, _, system = target.partition("-")
    if architecture not in ARCHITECTURES or system not in SYSTEMS:
        raise ValueError(f"do not know DuckDB's name for the platform {target}")
    return SYSTEMS[system].format(ARCHITECTURES[architecture])


def rust_host() -> str:
    """The target that cargo builds for when told nothing else."""
    version = run("rustc", "--version", "--verbose")
    return re.search(r"^host: (\S+)$", version, re.MULTILINE).group(1)


def strip(library: Path, entry: str) -> None:
    """Drop what only a debugger reads, and make sure that DuckDB still finds the entry."""
    apple = sys.platform == "darwin"
    run("strip", "-x" if apple else "--strip-unneeded", str(library))
    symbols = run("nm", "-gU", str(library)) if apple else run("nm", "--dynamic", "--defined-only", str(library))
    if not re.search(rf"\b_?{entry}$", symbols, re.MULTILINE):
        raise ValueError(f"{library} does not export {entry}")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def main() -> None:
    if len(sys.argv) != 3:
        raise ValueError("usage: append_metadata.py LIBRARY EXTENSION_FILE")
    library, extension = Path(sys.argv[1]), Path(sys.argv[2])
    config = extension_config.load()
    extension.parent.mkdir(parents=True, exist_ok=True)
    # A process may have the old file mapped: write beside it, then replace it at once.
    draft = extension.with_suffix(".draft")
    try:
        shutil.copyfile(library, draft)
        strip(draft, f"{config.name}_init_c_api_v2")
        with draft.open("ab") as file:
            file.write(footer(config, duckdb_platform(rust_host())))
        os.replace(draft, extension)
    finally:
        draft.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
