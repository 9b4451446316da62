"""A server that is told to stop: what runs may end, what does not end is interrupted, and nobody else delays it."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
import duckdb
import pyarrow
import pytest
from conftest import RELEASE, Duckling, extension_path

ANY_PORT = ("--listen", "127.0.0.1:0")
#: Rows of a query that would run for hours
ENDLESS = "range(100000) a, range(100000) b, range(100000) c"
#: Of a server that has nothing to wait for
PROMPT_S = 5
LIMIT_S = 30


def attach(connection: duckdb.DuckDBPyConnection, server: Duckling) -> duckdb.DuckDBPyConnection:
    connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port})")
    connection.execute("CREATE TABLE IF NOT EXISTS dh.one AS SELECT 1 AS i")
    return connection


def drains(server: Duckling) -> None:
    """Wait until a server accepts no connections any more."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.01)
    raise TimeoutError("the server still accepts connections")


def becomes_busy(server: Duckling) -> None:
    """Wait until a server computes."""

    def used_ticks() -> int:
        fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    began, deadline = used_ticks(), time.monotonic() + LIMIT_S
    while used_ticks() < began + 20:
        assert time.monotonic() < deadline, "the server does nothing"
        time.sleep(0.01)


class Statement:
    """A statement that runs in a thread of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        self.error: Exception | None = None
        self.rows: list[tuple] = []
        self._thread = threading.Thread(target=self._run, args=(connection, sql), daemon=True)
        self._thread.start()

    def _run(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        try:
            self.rows = connection.execute(sql).fetchall()
        except Exception as error:
            self.error = error

    def wait(self) -> None:
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()


class HeldLoad:
    """Rows that a client loads into the server: most of them, and the rest when they are released."""

    #: More than a client keeps back before it begins to send
    MOST = 4_000_000
    ALL = MOST + 1000

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()

    def reader(self) -> pyarrow.RecordBatchReader:
        schema = pyarrow.schema([("i", pyarrow.int64())])

        def batches() -> Iterator[pyarrow.RecordBatch]:
            for start in range(0, self.MOST, 100_000):
                yield pyarrow.record_batch([pyarrow.array(range(start, start + 100_000))], schema=schema)
            self.begun.set()
            self.released.wait(LIMIT_S)
            yield pyarrow.record_batch([pyarrow.array(range(self.MOST, self.ALL))], schema=schema)

        return pyarrow.RecordBatchReader.from_batches(schema, batches())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_clients_are_not_waited_for(
    start_server: Callable[..., Duckling], connect: Callable[..., duckdb.DuckDBPyConnection], number: signal.Signals
) -> None:
    server = start_server(*ANY_PORT, "--drain-timeout", "10m")
    clients = [attach(connect(), server) for _ in range(5)]
    clients[0].execute("BEGIN")
    clients[0].execute("INSERT INTO dh.one VALUES (2)")
    # An address that is connected to, and never spoken to
    with socket.create_connection(("127.0.0.1", server.port)):
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(LIMIT_S) == 0
    assert time.monotonic() - began < PROMPT_S


def test_a_client_that_is_stopped_is_not_waited_for(start_server: Callable[..., Duckling]) -> None:
    server = start_server(*ANY_PORT, "--drain-timeout", "10m")
    program = f"""
import duckdb, time
connection = duckdb.connect(config={{"allow_unsigned_extensions": "true"}})
connection.load_extension("{extension_path()}")
connection.execute("ATTACH 'duckherder://localhost:{server.port}' AS dh")
connection.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
print("attached", flush=True)
time.sleep({LIMIT_S * 4})
"""
    client = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout.readline() == "attached\n"
        client.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < PROMPT_S
    finally:
        client.kill()
        client.wait()


def test_a_running_query_ends(start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection) -> None:
    server = start_server(*ANY_PORT)
    attach(connection, server)
    rows = 20_000_000
    reader = connection.sql(f"SELECT range FROM dh.one, range({rows})").to_arrow_reader(100_000)
    count = reader.read_next_batch().num_rows
    server.process.terminate()
    drains(server)
    assert server.process.poll() is None, "it waits"
    count += sum(batch.num_rows for batch in reader)
    assert count == rows
    assert server.process.wait(LIMIT_S) == 0


def test_a_running_load_ends_and_is_kept(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "x.duckdb"
    server = start_server(*ANY_PORT, "--database", str(file))
    attach(connection, server)
    load = HeldLoad()
    connection.register("here", load.reader())
    statement = Statement(connection, "CREATE TABLE dh.t AS FROM here")
    assert load.begun.wait(LIMIT_S)
    server.process.terminate()
    drains(server)
    assert server.process.poll() is None, "it waits"
    load.released.set()
    statement.wait()
    assert statement.error is None
    assert server.process.wait(LIMIT_S) == 0
    with duckdb.connect(str(file), read_only=True) as alone:
        assert alone.execute("SELECT count(*), max(i) FROM t").fetchone() == (load.ALL, load.ALL - 1)


def test_an_endless_statement_is_interrupted(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "x.duckdb"
    server = start_server(*ANY_PORT, "--database", str(file), "--drain-timeout", "1s")
    attach(connection, server)
    statement = Statement(connection, f"INSERT INTO dh.one SELECT a.range + b.range FROM {ENDLESS}")
    becomes_busy(server)
    began = time.monotonic()
    assert server.stop() == 0
    assert 1 <= time.monotonic() - began < 1 + PROMPT_S
    statement.wait()
    assert isinstance(statement.error, duckdb.Error)
    assert "The server is shutting down" in str(statement.error)
    with duckdb.connect(str(file), read_only=True) as alone:
        assert alone.execute("FROM one").fetchall() == [(1,)]


def test_a_load_that_never_ends_is_given_up(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "x.duckdb"
    server = start_server(*ANY_PORT, "--database", str(file), "--drain-timeout", "1s")
    attach(connection, server)
    load = HeldLoad()
    connection.register("here", load.reader())
    statement = Statement(connection, "INSERT INTO dh.one FROM here")
    assert load.begun.wait(LIMIT_S)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 1 + 2 * PROMPT_S
    load.released.set()
    statement.wait()
    assert isinstance(statement.error, duckdb.Error)
    with duckdb.connect(str(file), read_only=True) as alone:
        assert alone.execute("FROM one").fetchall() == [(1,)]


def test_a_second_signal_does_not_wait(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "x.duckdb"
    server = start_server(*ANY_PORT, "--database", str(file), "--drain-timeout", "10m")
    attach(connection, server)
    statement = Statement(connection, f"SELECT count(*) FROM dh.one, {ENDLESS}")
    becomes_busy(server)
    server.process.terminate()
    drains(server)
    assert server.process.poll() is None, "it waits"
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < PROMPT_S
    statement.wait()
    assert "The server is shutting down" in str(statement.error)
    assert not file.with_name("x.duckdb.wal").exists(), "orderly all the same"


def test_a_result_that_nobody_reads_is_not_waited_for(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection
) -> None:
    server = start_server(*ANY_PORT, "--drain-timeout", "10m")
    attach(connection, server)
    reader = connection.sql(f"SELECT a.range, b.range FROM dh.one, {ENDLESS}").to_arrow_reader(1000)
    assert reader.read_next_batch().num_rows > 0
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 3 * PROMPT_S
    with pytest.raises(Exception, match="(?i)lost the connection|shutting down"):
        for _ in range(100_000_000):
            reader.read_next_batch()


def test_no_new_work_while_it_drains(
    start_server: Callable[..., Duckling], connect: Callable[..., duckdb.DuckDBPyConnection]
) -> None:
    server = start_server(*ANY_PORT, "--drain-timeout", "10m")
    working, late = attach(connect(), server), attach(connect(), server)
    statement = Statement(working, f"SELECT count(*) FROM dh.one, {ENDLESS}")
    becomes_busy(server)
    server.process.terminate()
    drains(server)
    with pytest.raises(duckdb.IOException, match=f"localhost:{server.port}"):
        late.execute("INSERT INTO dh.one VALUES (2)")
    assert server.stop() == 0
    statement.wait()


def test_a_log_that_nobody_reads_any_more() -> None:
    command = [str(RELEASE / "duckling-server"), *ANY_PORT, "--disconnect-timeout", "100ms", "--max-sessions", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().strip().rpartition(":")[2]
            process.stderr.close()
            # The first session ends only if the task that logs its end lives on; then the second fits in.
            for _ in range(2):
                deadline = time.monotonic() + LIMIT_S
                while True:
                    with flight_sql.connect(f"grpc://127.0.0.1:{port}", autocommit=True) as client:
                        try:
                            assert client.adbc_current_catalog == "memory"
                            break
                        except adbc_driver_manager.Error:
                            assert time.monotonic() < deadline
                            time.sleep(0.05)
            process.terminate()
            assert process.wait(LIMIT_S) == 0
        finally:
            process.kill()
