"""ATTACH that cannot work: an error within five seconds that names host, port and remedy."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import duckdb
import pytest

LIMIT_S = 5.5


def attach(connection: duckdb.DuckDBPyConnection, port: int, host: str = "localhost") -> None:
    connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host '{host}', server_port {port})")


def failure(connection: duckdb.DuckDBPyConnection, port: int, host: str = "localhost") -> str:
    """The text of the error, which came in time."""
    began = time.monotonic()
    with pytest.raises(duckdb.IOException) as caught:
        attach(connection, port, host)
    assert time.monotonic() - began < LIMIT_S
    assert connection.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'dh'").fetchone() == (0,)
    return str(caught.value)


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Listen on a free port with something that is no duckling: `answer` gets every connection."""
    listeners: list[socket.socket] = []

    def start(answer: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                answer(accepted)

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


def test_nothing_listens(connection: duckdb.DuckDBPyConnection, free_port: int) -> None:
    message = failure(connection, free_port)
    assert f"localhost:{free_port}" in message
    assert "duckling-server --listen" in message


def test_unknown_host(connection: duckdb.DuckDBPyConnection, free_port: int) -> None:
    message = failure(connection, free_port, "no-such-host.invalid")
    assert f"no-such-host.invalid:{free_port}" in message
    assert "server_host" in message


def test_unroutable_host(connection: duckdb.DuckDBPyConnection) -> None:
    message = failure(connection, 8815, "192.0.2.1")
    assert "192.0.2.1:8815" in message


def test_a_silent_listener(connection: duckdb.DuckDBPyConnection, listen: Callable) -> None:
    kept: list[socket.socket] = []
    port = listen(kept.append)
    message = failure(connection, port)
    assert f"localhost:{port}" in message
    assert "is it a Duckling server" in message


def test_a_web_server(connection: duckdb.DuckDBPyConnection, listen: Callable) -> None:
    def answer(accepted: socket.socket) -> None:
        accepted.recv(4096)
        accepted.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        accepted.close()

    port = listen(answer)
    message = failure(connection, port)
    assert f"localhost:{port}" in message
    assert "Duckling server" in message


def test_a_listener_that_hangs_up(connection: duckdb.DuckDBPyConnection, listen: Callable) -> None:
    port = listen(lambda accepted: accepted.close())
    message = failure(connection, port)
    assert f"localhost:{port}" in message
    assert "Duckling server" in message


def test_it_works_after_a_failure(connection: duckdb.DuckDBPyConnection, server, free_port: int) -> None:
    failure(connection, free_port)
    attach(connection, server.port)
    assert connection.execute("FROM duckherder_query('dh', 'SELECT 42')").fetchall() == [(42,)]


def test_interrupt_while_connecting(connection: duckdb.DuckDBPyConnection, listen: Callable) -> None:
    kept: list[socket.socket] = []
    port = listen(kept.append)
    timer = threading.Timer(0.5, connection.interrupt)
    timer.start()
    began = time.monotonic()
    with pytest.raises(duckdb.InterruptException):
        attach(connection, port)
    assert time.monotonic() - began < 3


def test_scheme_finds_the_extension(connection: duckdb.DuckDBPyConnection, server) -> None:
    connection.execute(f"ATTACH 'duckherder://127.0.0.1:{server.port}' AS by_uri")
    connection.execute("CREATE TABLE by_uri.t AS SELECT 7 AS i")
    assert connection.execute("FROM by_uri.t").fetchall() == [(7,)]


def test_two_clients_see_each_other(connect: Callable[..., duckdb.DuckDBPyConnection], server) -> None:
    first, second = connect(), connect()
    attach(first, server.port)
    attach(second, server.port)
    first.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    assert second.execute("FROM dh.t").fetchall() == [(1,)]
    second.execute("ALTER TABLE dh.t ADD COLUMN j INTEGER DEFAULT 2")
    assert first.execute("FROM dh.t").fetchall() == [(1, 2)]
    second.execute("DROP TABLE dh.t")
    with pytest.raises(duckdb.CatalogException, match="does not exist"):
        first.execute("FROM dh.t")
