"""Extensions that are not built in: from a file, from a repository folder, unsigned, and without network."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

# What the server itself allows for; the test allows for a slow machine beside it.
SERVER_TIMEOUT_S = 30


@pytest.fixture
def attach(connection: duckdb.DuckDBPyConnection, start_server: Callable, monkeypatch, tmp_path: Path) -> Callable:
    """Attach a new server, which installs extensions into a folder of the test's own, as `dh`."""

    def start(*flags: str) -> duckdb.DuckDBPyConnection:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "home").mkdir()
        server = start_server("--listen", "127.0.0.1:0", *flags)
        connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port})")
        return connection

    return start


def load(connection: duckdb.DuckDBPyConnection, *arguments: str) -> str:
    marks = ", ".join("?" for _ in arguments)
    return connection.execute(f"SELECT duckherder_load_extension({marks})", list(arguments)).fetchone()[0]


def extensions(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute(
        "SELECT loaded, install_mode, installed_from FROM duckherder_server_extensions() "
        "WHERE extension_name = 'duckherder'"
    ).fetchall()


def test_a_file_is_loaded_if_unsigned_ones_are_allowed(attach: Callable, extension: Path) -> None:
    connection = attach("--allow-unsigned-extensions")
    assert load(connection, str(extension)).startswith("duckherder ")
    assert [row[0] for row in extensions(connection)] == [True]
    # Again: it is there already
    assert load(connection, "duckherder").startswith("duckherder ")


def test_unsigned_extensions_are_refused_by_default(attach: Callable, extension: Path) -> None:
    connection = attach()
    with pytest.raises(duckdb.IOException, match="(?s)signature .*--allow-unsigned-extensions") as raised:
        load(connection, str(extension))
    assert str(extension) in str(raised.value)
    assert extensions(connection) == []
    # The client's database is none the worse for it
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_repository_folder_is_installed_from(attach: Callable, extension: Path, tmp_path: Path) -> None:
    connection = attach("--allow-unsigned-extensions")
    version, platform = connection.execute("SELECT version(), (SELECT platform FROM pragma_platform())").fetchone()
    folder = tmp_path / "it's a repository" / version / platform
    folder.mkdir(parents=True)
    shutil.copy(extension, folder / extension.name)
    loaded = load(connection, "duckherder", str(tmp_path / "it's a repository"))
    assert "it's a repository" in loaded
    assert extensions(connection)[0][:2] == (True, "REPOSITORY")


def test_what_cannot_be_downloaded_is_an_error_in_time(attach: Callable) -> None:
    connection = attach()
    started = time.monotonic()
    with pytest.raises(duckdb.Error, match='Cannot load the extension "no_such_extension" on the server'):
        load(connection, "no_such_extension")
    assert time.monotonic() - started < SERVER_TIMEOUT_S + 10
