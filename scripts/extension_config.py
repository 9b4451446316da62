"""Reads extension_config.toml and refuses one that Cargo.toml or Cargo.lock contradict.

Run as a program, only checks.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class ExtensionConfig(NamedTuple):
    """Name and versions as DuckDB sees them: `duckdb_version` with its leading v."""

    name: str
    version: str
    duckdb_version: str
    abi: str


def load() -> ExtensionConfig:
    """Read and check the configuration. Raises ValueError that names both sides of a contradiction."""
    table = read_toml("extension_config.toml")
    unknown, missing = set(table) - set(ExtensionConfig._fields), set(ExtensionConfig._fields) - set(table)
    if unknown or missing:
        raise ValueError(f"extension_config.toml: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
    config = ExtensionConfig(**table)

    cargo_version = read_toml("Cargo.toml")["workspace"]["package"]["version"]
    if cargo_version != config.version:
        raise ValueError(f"extension_config.toml says version {config.version}, Cargo.toml says {cargo_version}")
    linked_version = linked_duckdb_version()
    if linked_version != config.duckdb_version:
        raise ValueError(
            f"extension_config.toml says DuckDB {config.duckdb_version}, "
            f"libduckdb-sys in Cargo.lock is DuckDB {linked_version}"
        )
    return config


def linked_duckdb_version() -> str:
    """The DuckDB version that Cargo.lock pins: libduckdb-sys 1.MMmmpp.x carries DuckDB MM.mm.pp."""
    packages = read_toml("Cargo.lock")["package"]
    crate_version = next(package["version"] for package in packages if package["name"] == "libduckdb-sys")
    encoded = re.fullmatch(r"1\.(\d+)(\d\d)(\d\d)\.\d+", crate_version)
    if not encoded:
        raise ValueError(f"cannot tell the DuckDB version from libduckdb-sys {crate_version}")
    return "v" + ".".join(str(int(part)) for part in encoded.groups())


def read_toml(name: str) -> dict:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    try:
        load()
    except ValueError as error:
        sys.exit(f"error: {error}")
