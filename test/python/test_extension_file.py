"""The loadable file: what DuckDB reads from its footer, and what refuses to load."""

from pathlib import Path

import duckdb
import pytest

import append_metadata
import extension_config

FOOTER_BYTES = 512


def with_footer(extension: Path, copy: Path, **changed: str) -> Path:
    """Copy the extension with fields of its footer changed."""
    config = extension_config.load()._replace(**changed)
    platform = duckdb.execute("PRAGMA platform").fetchone()[0]
    copy.write_bytes(extension.read_bytes()[:-FOOTER_BYTES] + append_metadata.footer(config, platform))
    return copy


def test_the_footer_is_what_the_configuration_says(extension: Path, tmp_path: Path) -> None:
    same = with_footer(extension, tmp_path / "duckherder.duckdb_extension")
    assert same.read_bytes()[-FOOTER_BYTES:] == extension.read_bytes()[-FOOTER_BYTES:]


def test_duckdb_lists_the_extension_with_its_version(connection: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT loaded, extension_version FROM duckdb_extensions() WHERE extension_name = 'duckherder'"
    assert connection.execute(query).fetchall() == [(True, extension_config.load().version)]


def test_another_duckdb_version_is_refused_in_duckdbs_words(extension: Path, tmp_path: Path) -> None:
    other = with_footer(extension, tmp_path / "duckherder.duckdb_extension", duckdb_version="v1.5.6")
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    with pytest.raises(duckdb.InvalidInputException, match="built specifically for DuckDB version 'v1.5.6'"):
        connection.load_extension(str(other))


def test_without_permission_for_unsigned_extensions_it_does_not_load(extension: Path) -> None:
    with pytest.raises(duckdb.IOException, match="allow_unsigned_extensions"):
        duckdb.connect().load_extension(str(extension))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "0.1.0"', 'version = "0.2.0"', "version 0.2.0, Cargo.toml says 0.1.0"),
        ('duckdb_version = "v2.0.0"', 'duckdb_version = "v2.0.1"', "Cargo.lock is DuckDB v2.0.0"),
        ('abi = "C_STRUCT_UNSTABLE"', 'abbi = "C_STRUCT"', r"unknown keys \['abbi'\], missing keys \['abi'\]"),
    ],
)
def test_a_configuration_that_cargo_contradicts_is_refused(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("extension_config.toml", "Cargo.toml", "Cargo.lock"):
        text = (extension_config.ROOT / name).read_text()
        if name == "extension_config.toml":
            assert f"\n{old}\n" in text
            text = text.replace(f"\n{old}\n", f"\n{new}\n")
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(extension_config, "ROOT", tmp_path)
    with pytest.raises(ValueError, match=message):
        extension_config.load()
