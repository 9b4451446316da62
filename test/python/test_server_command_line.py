"""The server's command line and configuration file: what it accepts, and one clear line for what it does not."""

import contextlib
import json
import os
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import RELEASE, Duckling

SERVER = RELEASE / "duckling-server"
LIMIT_S = 20
ANY_PORT = ("--listen", "127.0.0.1:0")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself."""
    return subprocess.run(
        [SERVER, *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, "RUST_BACKTRACE": "1", "DUCKLING_LOG": "warn", **environment},
    )


def refusal(*arguments: str, code: int, **environment: str) -> str:
    """The one line that a server ends with."""
    ended = run(*arguments, **environment)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == "", "it never listened"
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def attach(connection: duckdb.DuckDBPyConnection, server: Duckling, name: str = "dh") -> None:
    connection.execute(f"ATTACH '{name}' (TYPE duckherder, server_host 'localhost', server_port {server.port})")


def on_server(connection: duckdb.DuckDBPyConnection, expression: str) -> object:
    return connection.execute("FROM duckherder_query('dh', ?)", [f"SELECT {expression}"]).fetchone()[0]


def test_help_and_version() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    assert shown.stderr == ""
    for heading in ("Network:", "Databases:", "Limits:", "Logs:", "General:"):
        assert heading in shown.stdout
    for flag in ("--database <NAME=PATH>", "--drain-timeout <TIME>", "[default: 127.0.0.1:8815]"):
        assert flag in shown.stdout
    shown = run("--version")
    assert shown.returncode == 0
    assert shown.stdout.startswith("duckling-server ")
    assert "DuckDB v2.0.0" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--databse", "x"), "--database"),
        (("serve",), "serve"),
        (("--threads", "0"), "--threads"),
        (("--memory-limit", "4XB"), "4XB"),
        (("--session-idle-timeout", "90"), "--session-idle-timeout"),
        (("--log-level", "loud"), "--log-level"),
        (("--database", "a=/x", "--database", "A=/y"), '"A"'),
        (("--database", "system=:memory:"), '"system"'),
        (("--database", "temp=:memory:"), '"temp"'),
        (("--database", "a=:memory:", "--read-only", "b"), 'the server has "a"'),
        (("--database", "a=:memory:", "--default-database", "b"), 'the server has "a"'),
        (("--config", "/does/not/exist.toml"), "/does/not/exist.toml: No such file"),
    ],
)
def test_what_makes_no_sense(arguments: tuple[str, ...], expected: str) -> None:
    assert expected in refusal(*arguments, code=2)


def test_a_malformed_filter_in_the_environment() -> None:
    assert "DUCKLING_LOG" in refusal(*ANY_PORT, code=2, DUCKLING_LOG="duckling_server=loud")


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1", "127.0.0.1:99999", "no-such-host.invalid:1"])
def test_bad_addresses(listen: str) -> None:
    assert f"--listen {listen}" in refusal("--listen", listen, code=1)


def test_beyond_loopback_only_if_told() -> None:
    assert "--insecure" in refusal("--listen", "0.0.0.0:0", code=1)


def test_insecure_listens_anywhere(start_server: Callable[..., Duckling]) -> None:
    assert start_server("--listen", "0.0.0.0:0", "--insecure").stop() == 0


def test_port_in_use(start_server: Callable[..., Duckling], tmp_path: Path) -> None:
    port = start_server().port
    file = tmp_path / "x.duckdb"
    assert f"127.0.0.1:{port}" in refusal("--listen", f"127.0.0.1:{port}", "--database", f"x={file}", code=1)
    assert not file.exists(), "nothing is opened for a server that cannot listen"


def test_a_file_that_another_process_has_locked(start_server: Callable[..., Duckling], tmp_path: Path) -> None:
    file = tmp_path / "x.duckdb"
    holder = start_server(*ANY_PORT, "--database", f"x={file}")
    line = refusal(*ANY_PORT, "--database", f"mine={file}", code=1)
    assert 'database "mine"' in line
    assert str(file) in line
    assert f"PID {holder.pid}" in line


def test_a_file_of_a_newer_version(tmp_path: Path) -> None:
    file = tmp_path / "new.duckdb"
    duckdb.connect(str(file)).close()
    content = bytearray(file.read_bytes())
    content[12:20] = struct.pack("<Q", 9999)
    # The header's checksum, as DuckDB computes it
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", content[8:4096]):
        checksum ^= word * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    content[0:8] = struct.pack("<Q", checksum)
    file.write_bytes(content)
    line = refusal(*ANY_PORT, "--database", str(file), code=1)
    assert 'database "new"' in line
    assert "storage version number 9999" in line
    assert "a newer version of DuckDB" in line


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(4096), os.urandom(20000)])
def test_no_database_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.duckdb"
    file.write_bytes(content)
    line = refusal(*ANY_PORT, "--database", f"x={file}", code=1)
    assert str(file) in line
    assert "not a valid DuckDB database file" in line
    assert file.read_bytes() == content


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "x.duckdb"
    assert str(missing) in refusal(*ANY_PORT, "--database", f"x={missing}", code=1)
    assert str(tmp_path) in refusal(*ANY_PORT, "--database", f"x={tmp_path}", code=1)
    absent = tmp_path / "x.duckdb"
    line = refusal(*ANY_PORT, "--database", f"x={absent}", "--read-only", "x", code=1)
    assert str(absent) in line
    assert not absent.exists()
    assert "not-a-folder" in refusal(*ANY_PORT, "--temp-dir", "/dev/null/not-a-folder", code=1)


def test_one_file_under_two_names(tmp_path: Path) -> None:
    file = tmp_path / "x.duckdb"
    line = refusal(*ANY_PORT, "--database", f"a={file}", "--database", f"b={file}", code=1)
    assert 'database "b"' in line
    assert str(file) in line


def test_a_reader_of_stdout_that_is_gone() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with contextlib.closing(os.fdopen(writer, "w")) as stdout:
        ended = subprocess.run(
            [SERVER, *ANY_PORT], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False
        )
    assert ended.returncode == 1
    assert "panicked" not in ended.stderr
    assert "standard output" in ended.stderr


def test_settings_reach_duckdb(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    spill = tmp_path / "spill"
    server = start_server(*ANY_PORT, "--threads", "3", "--memory-limit", "1GiB", "--temp-dir", str(spill))
    attach(connection, server)
    assert on_server(connection, "current_setting('threads')") == 3
    assert on_server(connection, "current_setting('memory_limit')") == "1.0 GiB"
    assert on_server(connection, "current_setting('temp_directory')") == str(spill)


def test_configuration_file(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    config = tmp_path / "duckling.toml"
    config.write_text(f"""
        listen = "127.0.0.1:0"
        database = ["sales={tmp_path}/sales.duckdb", "scratch=:memory:"]
        default-database = "scratch"
        threads = 2
        memory-limit = "2GiB"
    """)
    server = start_server("--config", str(config), "--threads", "1")
    attach(connection, server)
    assert on_server(connection, "current_database()") == "scratch"
    assert on_server(connection, "current_setting('threads')") == 1, "the command line wins"
    assert on_server(connection, "current_setting('memory_limit')") == "2.0 GiB"
    assert (tmp_path / "sales.duckdb").exists()


def test_a_line_of_the_file_that_makes_no_sense(tmp_path: Path) -> None:
    config = tmp_path / "duckling.toml"
    config.write_text('listen = "127.0.0.1:0"\nmax-session = 5\n')
    line = refusal("--config", str(config), code=2)
    assert f"{config}, line 2" in line
    assert '"max-session"' in line
    assert "max-sessions" in line


def logs(*arguments: str, **environment: str) -> str:
    """What a server logs from its start to its end."""
    process = subprocess.Popen(
        [SERVER, *ANY_PORT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**{name: value for name, value in os.environ.items() if name != "DUCKLING_LOG"}, **environment},
    )
    assert "listening on" in process.stdout.readline()
    process.terminate()
    _, logged = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, logged
    return logged


def test_logs() -> None:
    assert "stopping" in logs()
    records = [json.loads(line) for line in logs("--log-format", "json").splitlines()]
    assert {"timestamp", "level", "fields", "target"} <= records[0].keys()
    assert any(record["fields"].get("message") == "stopping" for record in records)
    assert logs("--log-level", "off") == ""
    assert logs("--log-level", "error") == ""
    assert logs(DUCKLING_LOG="off") == "", "the environment wins over the default"
    assert "stopping" in logs("--log-level", "info", DUCKLING_LOG="off"), "the command line over the environment"


def test_listens_only_when_the_databases_are_open(start_server: Callable[..., Duckling], tmp_path: Path) -> None:
    file = tmp_path / "x.duckdb"
    server = start_server(*ANY_PORT, "--database", str(file))
    assert file.exists()
    socket.create_connection(("127.0.0.1", server.port)).close()
