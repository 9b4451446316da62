"""Sessions of a stand-alone server: what belongs to them, when they end, and how many there may be."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
import pyarrow
import pyarrow.flight as flight
import pytest
from conftest import Duckling

ANY_PORT = ("--listen", "127.0.0.1:0")
ENDLESS = "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c WHERE a.range + b.range <> c.range"
ENDLESS_ROWS = "SELECT a.range AS i, repeat('x', 100) AS text FROM range(10000000) a, range(10000000) b"
OPEN_SESSIONS = 500
LIMIT_S = 30

#: A client in a process of its own: it prints a line when it has come to its point, then waits, or goes on for ever.
CLIENT = """
import sys, time
import adbc_driver_flightsql.dbapi as flight_sql, pyarrow
connection = flight_sql.connect(f"grpc://127.0.0.1:{sys.argv[1]}", autocommit=sys.argv[2] == "autocommit")
cursor = connection.cursor()
def run(sql):
    cursor.execute(sql)
    return cursor.fetchall()
def ready():
    print("ready", flush=True)
"""
IN_A_TRANSACTION = "run('UPDATE t SET i = 1'); ready(); time.sleep(1000)"
STREAMING = f"""
cursor.execute({ENDLESS_ROWS!r})
reader = cursor.fetch_record_batch()
reader.read_next_batch()
ready()
while True:
    reader.read_next_batch()
"""
UPLOADING = """
schema = pyarrow.schema({'i': pyarrow.int64()})
def batches():
    batch = pyarrow.record_batch([pyarrow.array(range(10000))], schema=schema)
    for number in range(10**9):
        if number == 50:
            ready()
        yield batch
cursor.adbc_ingest('t', pyarrow.RecordBatchReader.from_batches(schema, batches()), mode='append')
"""


def connect(server: Duckling, *, autocommit: bool = True) -> flight_sql.Connection:
    return flight_sql.connect(f"grpc://127.0.0.1:{server.port}", autocommit=autocommit)


def query(client: flight_sql.Connection, sql: str) -> list[tuple]:
    with client.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def flight_query(client: flight.FlightClient, sql: str) -> list[dict]:
    """The same for a client without a driver."""
    url = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
    message = b"\n" + bytes([len(sql)]) + sql.encode()
    command = b"\n" + bytes([len(url)]) + url + b"\x12" + bytes([len(message)]) + message
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command))
    return client.do_get(info.endpoints[0].ticket).read_all().to_pylist()


@pytest.fixture
def start_client() -> Iterator[Callable[[Duckling, str, str], subprocess.Popen]]:
    """Start clients in processes of their own, each up to the point where it says that it is ready."""
    processes: list[subprocess.Popen] = []

    def start(server: Duckling, commit: str, script: str) -> subprocess.Popen:
        command = [sys.executable, "-c", CLIENT + script, str(server.port), commit]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait(LIMIT_S)


def resident_mib(server: Duckling) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def eventually(attempt: Callable[[], None], *, within_s: float) -> float:
    """Repeat what fails until it does not; how long that took."""
    began = time.monotonic()
    while True:
        try:
            attempt()
            return time.monotonic() - began
        except adbc_driver_manager.Error:
            if time.monotonic() - began > within_s:
                raise
        time.sleep(0.05)


def test_what_belongs_to_one_connection(start_server: Callable[..., Duckling]) -> None:
    with connect(server := start_server()) as one, connect(server) as two:
        query(one, "CREATE TABLE t (i INTEGER)")
        query(one, "CREATE TEMP TABLE mine AS SELECT 1 AS i")
        query(one, "SET TimeZone = 'Asia/Tokyo'")
        query(one, "CREATE SCHEMA s")
        query(one, "USE memory.s")
        ((zone, schema),) = query(one, "SELECT current_setting('TimeZone'), current_schema()")
        assert (zone, schema) == ("Asia/Tokyo", "s")
        ((zone, schema),) = query(two, "SELECT current_setting('TimeZone'), current_schema()")
        assert zone != "Asia/Tokyo"
        assert schema == "main"
        assert query(one, "FROM mine") == [(1,)]
        with pytest.raises(adbc_driver_manager.ProgrammingError, match="mine does not exist"):
            query(two, "FROM mine")
        one.adbc_connection.set_autocommit(False)
        query(one, "INSERT INTO main.t VALUES (1)")
        assert query(two, "FROM t") == []
        query(two, "INSERT INTO t VALUES (2)")
        assert query(two, "FROM t") == [(2,)]
        # Not `one.rollback()`, which does nothing on a connection that was opened with autocommit.
        one.adbc_connection.rollback()
        assert query(one, "FROM main.t") == [(2,)]


def test_a_killed_client_is_rolled_back(start_server: Callable[..., Duckling], start_client: Callable) -> None:
    server = start_server(*ANY_PORT, "--disconnect-timeout", "1s")
    with connect(server) as other:
        query(other, "CREATE TABLE t AS SELECT 0 AS i")
        client = start_client(server, "manual", IN_A_TRANSACTION)
        with pytest.raises(adbc_driver_manager.Error, match="onflict"):
            query(other, "UPDATE t SET i = i + 10")
        client.kill()
        eventually(lambda: query(other, "UPDATE t SET i = i + 10"), within_s=1 + 5)
        assert query(other, "FROM t") == [(10,)]


def test_an_idle_session_is_closed(start_server: Callable[..., Duckling]) -> None:
    server = start_server(*ANY_PORT, "--session-idle-timeout", "500ms")
    client = flight.connect(f"grpc://127.0.0.1:{server.port}")

    flight_query(client, "CREATE TEMP TABLE mine AS SELECT 1 AS i")
    assert flight_query(client, "FROM mine") == [{"i": 1}]
    # Idling is what is tested here: nothing tells a client that its session is over.
    time.sleep(2)
    with pytest.raises(KeyError, match="session is not open: .*idle for too long"):
        flight_query(client, "FROM mine")
    with pytest.raises(KeyError, match="mine does not exist"):
        flight_query(client, "FROM mine")
    assert flight_query(client, "SELECT 2 AS i") == [{"i": 2}]


def test_a_running_statement_is_not_idle(start_server: Callable[..., Duckling]) -> None:
    server = start_server(*ANY_PORT, "--session-idle-timeout", "300ms")
    with connect(server) as client:
        # Sorts for longer than the timeout on any machine.
        slow = "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY hash(range)) AS n FROM range(8000000))"
        assert query(client, slow) == [(8_000_000,)]


def test_too_many_sessions(start_server: Callable[..., Duckling]) -> None:
    server = start_server(*ANY_PORT, "--max-sessions", "3", "--disconnect-timeout", "200ms")
    clients = [connect(server) for _ in range(3)]
    for number, client in enumerate(clients):
        assert query(client, f"SELECT {number}") == [(number,)]
    with connect(server) as late:
        with pytest.raises(adbc_driver_manager.Error, match="3 sessions open.*--max-sessions"):
            query(late, "SELECT 1")
        clients.pop().close()
        eventually(lambda: query(late, "SELECT 1"), within_s=LIMIT_S)
    for number, client in enumerate(clients):
        assert query(client, f"SELECT {number}") == [(number,)]
        client.close()


@pytest.mark.parametrize("sql", [ENDLESS, f"CREATE TABLE t AS {ENDLESS_ROWS}"])
def test_statement_timeout(start_server: Callable[..., Duckling], sql: str) -> None:
    server = start_server(*ANY_PORT, "--statement-timeout", "700ms")
    with connect(server) as client:
        began = time.monotonic()
        with pytest.raises(adbc_driver_manager.Error, match="exceeded maximum execution time") as raised:
            query(client, sql)
        assert 0.6 < time.monotonic() - began < LIMIT_S
        assert raised.value.status_code not in (
            adbc_driver_manager.AdbcStatusCode.INTERNAL,
            adbc_driver_manager.AdbcStatusCode.OK,
        )
        assert query(client, "SELECT 42") == [(42,)]


def test_five_hundred_sessions_at_once(start_server: Callable[..., Duckling]) -> None:
    server = start_server(*ANY_PORT, "--disconnect-timeout", "500ms", "--log-level", "error")
    with connect(server) as first:
        query(first, "CREATE TABLE t (i INTEGER)")
        before = resident_mib(server)
        # The driver takes a tenth of a second to connect; these do not.
        clients = [flight.connect(f"grpc://127.0.0.1:{server.port}") for _ in range(OPEN_SESSIONS)]
        for number, client in enumerate(clients):
            flight_query(client, f"CREATE TEMP TABLE mine AS SELECT {number} AS i")
        for number, client in enumerate(clients):
            assert flight_query(client, "FROM mine") == [{"i": number}]
        open_now = resident_mib(server)
        threads = len(list(Path(f"/proc/{server.pid}/task").iterdir()))
        print(f"{OPEN_SESSIONS} sessions: {open_now - before:.0f} MiB more than the {before:.0f} before, {threads} threads")
        assert open_now - before < OPEN_SESSIONS * 1.5
        assert threads < 100, "no thread per session"
        for client in clients:
            client.close()
        assert query(first, "SELECT 42") == [(42,)]


def test_places_of_closed_sessions_are_free_again(start_server: Callable[..., Duckling]) -> None:
    server = start_server(*ANY_PORT, "--max-sessions", "5", "--disconnect-timeout", "100ms", "--log-level", "error")
    for _ in range(30):
        with connect(server) as client:
            eventually(lambda client=client: query(client, "SELECT 1"), within_s=LIMIT_S)


def test_a_client_that_stops_reading_harms_nobody(start_server: Callable[..., Duckling], start_client: Callable) -> None:
    server = start_server()
    with connect(server) as other:
        query(other, "CREATE TABLE t (i INTEGER)")
        stopped = [start_client(server, "autocommit", STREAMING) for _ in range(4)]
        for client in stopped:
            os.kill(client.pid, signal.SIGSTOP)
        sizes = []
        for number in range(20):
            query(other, f"INSERT INTO t VALUES ({number})")
            query(other, "SELECT max(range) FROM range(3000000)")
            sizes.append(resident_mib(server))
        assert query(other, "SELECT count(*) FROM t") == [(20,)]
        assert sizes[-1] - sizes[4] < 100, f"grows while nobody reads: {sizes}"
        for client in stopped:
            client.kill()
        assert query(other, "SELECT 42") == [(42,)]


def test_a_client_that_vanishes_while_it_uploads(start_server: Callable[..., Duckling], start_client: Callable) -> None:
    server = start_server(*ANY_PORT, "--disconnect-timeout", "200ms", "--max-sessions", "2")
    with connect(server) as other:
        query(other, "CREATE TABLE t (i BIGINT)")
        for _ in range(3):
            client = start_client(server, "autocommit", UPLOADING)
            client.kill()
            client.wait(LIMIT_S)
            with connect(server) as later:
                # Its session is gone before another fits in.
                eventually(lambda later=later: query(later, "SELECT 1"), within_s=LIMIT_S)
        assert query(other, "SELECT count(*) FROM t") == [(0,)]


def test_connections_that_say_nothing(start_server: Callable[..., Duckling]) -> None:
    server = start_server()
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for number, connection in enumerate(silent):
        if number % 2:
            connection.sendall(b"\x00\xffthis is no HTTP/2" * 10)
    with connect(server) as client:
        assert query(client, "SELECT 42") == [(42,)]
    for connection in silent:
        connection.close()
    assert server.stop() == 0
