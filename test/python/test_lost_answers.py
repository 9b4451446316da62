"""The connection breaks while the server lives: nothing is done twice, and nothing is reported that did not happen."""

import socket
import threading
from collections.abc import Callable, Iterator

import duckdb
import pytest

TIMEOUT_S = 30


HTTP2_PREFACE_BYTES = 24
FRAME_HEADER_BYTES = 9
HEADERS = 1


class Frames:
    """Cuts one direction of an HTTP/2 connection into frames."""

    def __init__(self, preface_bytes: int) -> None:
        self._preface_bytes = preface_bytes
        self._buffer = b""

    def cut(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Type and bytes of each frame that is whole now; the preface counts as a frame of type -1."""
        self._buffer += data
        while True:
            kind, size = -1, self._preface_bytes
            if not size and len(self._buffer) >= FRAME_HEADER_BYTES:
                kind = self._buffer[3]
                size = FRAME_HEADER_BYTES + int.from_bytes(self._buffer[:3], "big")
            if not size or len(self._buffer) < size:
                return
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            self._preface_bytes = 0
            yield kind, frame


class Proxy:
    """Passes frames between clients and a server, and breaks connections when it is told to."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._swallows = False
        self._request_seen = False
        self._client_gone = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_the_next_answer(self) -> None:
        """Let the next request through, and close the connection in the place of its answer."""
        self._request_seen = False
        self._swallows = True

    def break_connections(self) -> None:
        """Close what is open, and wait until the client knows."""
        self._client_gone.clear()
        for client, _ in self._pairs:
            client.shutdown(socket.SHUT_WR)
        assert self._client_gone.wait(TIMEOUT_S)

    def stop(self) -> None:
        close(self._listener)
        for pair in list(self._pairs):
            close(*pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                return
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            self._pairs.append(pair)
            threading.Thread(target=self._to_server, args=pair, daemon=True).start()
            threading.Thread(target=self._to_client, args=pair, daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        frames = Frames(HTTP2_PREFACE_BYTES)
        try:
            while data := client.recv(1 << 16):
                for kind, frame in frames.cut(data):
                    self._request_seen |= self._swallows and kind == HEADERS
                    server.sendall(frame)
        except OSError:
            pass
        if (client, server) in self._pairs:
            self._pairs.remove((client, server))
        close(client, server)
        self._client_gone.set()

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        frames = Frames(0)
        try:
            while data := server.recv(1 << 16):
                for kind, frame in frames.cut(data):
                    if self._request_seen and kind == HEADERS:
                        self._swallows = self._request_seen = False
                        return close(client, server)
                    client.sendall(frame)
        except OSError:
            pass
        close(client, server)


def close(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()


@pytest.fixture
def proxy(server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def client(connect: Callable[..., duckdb.DuckDBPyConnection], proxy: Proxy) -> duckdb.DuckDBPyConnection:
    """A client that reaches the server through the proxy; `dh.t` is empty."""
    connection = connect()
    connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {proxy.port})")
    connection.execute("CREATE TABLE dh.t (i INTEGER)")
    connection.execute("FROM dh.t")
    return connection


@pytest.fixture
def witness(connect: Callable[..., duckdb.DuckDBPyConnection], server) -> duckdb.DuckDBPyConnection:
    """Another client, with a connection that does not break."""
    connection = connect()
    connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port})")
    return connection


def rows(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("SELECT count(*) FROM dh.t").fetchall()[0][0]


def test_a_commit_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.Error, match="Whether the transaction was committed is unknown"):
        client.execute("COMMIT")
    outcome = rows(client)
    assert outcome in (0, 1)
    assert rows(witness) == outcome
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(witness) == outcome + 1, "what comes after is not inside the transaction"


def test_a_write_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="Whether the statement took effect is unknown"):
        client.execute("INSERT INTO dh.t VALUES (1)")
    assert rows(witness) in (0, 1), "it was not sent again"
    client.execute("DELETE FROM dh.t")
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(witness) == 1


def test_a_load_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    client.execute("CREATE TABLE here AS SELECT 1 AS i")
    client.execute("INSERT INTO dh.t SELECT i FROM here")
    client.execute("CREATE VIEW slow AS SELECT i FROM here")
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="(?i)lost the connection"):
        client.execute("INSERT INTO dh.t SELECT i FROM slow")
    assert rows(witness) in (1, 2)
    assert client.execute("INSERT INTO dh.t SELECT i FROM here").fetchall() == [(1,)]


def test_a_query_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="(?i)lost the connection") as failure:
        client.execute("FROM dh.t")
    assert "unknown" not in str(failure.value)
    assert client.execute("FROM dh.t").fetchall() == []


def test_a_statement_of_a_transaction_whose_answer_was_lost(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="The transaction on .* is lost"):
        client.execute("INSERT INTO dh.t VALUES (2)")
    with pytest.raises(duckdb.TransactionException, match="(?i)please ROLLBACK"):
        client.execute("FROM dh.t")
    client.execute("ROLLBACK")
    assert rows(client) == rows(witness) == 0
    client.execute("INSERT INTO dh.t VALUES (3)")
    assert rows(witness) == 1


def test_a_connection_made_anew_keeps_session_and_transaction(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.break_connections()
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(client) == 2
    proxy.break_connections()
    client.execute("COMMIT")
    assert rows(witness) == 2


def test_a_rollback_that_could_not_be_sent(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.lose_the_next_answer()
    client.execute("ROLLBACK")
    # In a session of its own: the old one may still be inside the transaction
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(client) == rows(witness) == 1
