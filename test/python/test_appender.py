"""The C appender fills a remote table like a local one. The wheel exports DuckDB's C functions."""

import ctypes
from collections.abc import Iterator
from ctypes import byref, c_char_p, c_int32, c_void_p

import _duckdb
import pytest
from conftest import Duckling, extension_path

ROWS = 5000
C = ctypes.CDLL(_duckdb.__file__)
C.duckdb_appender_error.restype = c_char_p


class Client:
    """A connection of the C interface, with `dh` and a local `here` attached."""

    def __init__(self, port: int) -> None:
        self.database, self.connection, config = c_void_p(), c_void_p(), c_void_p()
        C.duckdb_create_config(byref(config))
        C.duckdb_set_config(config, b"allow_unsigned_extensions", b"true")
        assert C.duckdb_open_ext(b":memory:", byref(self.database), config, None) == 0
        C.duckdb_destroy_config(byref(config))
        assert C.duckdb_connect(self.database, byref(self.connection)) == 0
        self.run(f"LOAD '{extension_path()}'")
        self.run(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {port})")
        self.run("ATTACH ':memory:' AS here")

    def run(self, sql: str) -> None:
        assert C.duckdb_query(self.connection, sql.encode(), None) == 0, sql

    def holds(self, condition: str) -> None:
        """Fail unless the condition is true."""
        self.run(f"SELECT CASE WHEN {condition} THEN 1 ELSE error('no') END")

    def append(self, catalog: str, values: Iterator[tuple[int, str | None]]) -> str | None:
        """Append to its table `t`; what the appender says when it is closed."""
        appender = c_void_p()
        created = C.duckdb_appender_create_ext(self.connection, catalog.encode(), b"main", b"t", byref(appender))
        assert created == 0, C.duckdb_appender_error(appender)
        for number, text in values:
            C.duckdb_append_int32(appender, c_int32(number))
            if text is None:
                C.duckdb_append_null(appender)
            else:
                C.duckdb_append_varchar(appender, text.encode())
            assert C.duckdb_appender_end_row(appender) == 0
        error = None
        if C.duckdb_appender_close(appender) != 0:
            error = C.duckdb_appender_error(appender).decode()
        C.duckdb_appender_destroy(byref(appender))
        return error

    def close(self) -> None:
        C.duckdb_disconnect(byref(self.connection))
        C.duckdb_close(byref(self.database))


@pytest.fixture
def client(server: Duckling) -> Iterator[Client]:
    client = Client(server.port)
    yield client
    client.close()


@pytest.mark.parametrize("catalog", ["here", "dh"])
def test_appended_rows_arrive(client: Client, catalog: str) -> None:
    client.run(f"CREATE TABLE {catalog}.t (i INTEGER PRIMARY KEY, s VARCHAR)")
    assert client.append(catalog, ((i, None if i % 3 == 0 else f"row {i} 🦆") for i in range(ROWS))) is None
    client.holds(f"(SELECT count(*) = {ROWS} AND sum(i) = {sum(range(ROWS))} FROM {catalog}.t)")
    client.holds(f"(SELECT count(*) FROM {catalog}.t WHERE s = 'row ' || i || ' 🦆') = {ROWS - len(range(0, ROWS, 3))}")


@pytest.mark.parametrize("catalog", ["here", "dh"])
def test_a_broken_constraint_is_told_and_nothing_is_kept(client: Client, catalog: str) -> None:
    client.run(f"CREATE TABLE {catalog}.t (i INTEGER PRIMARY KEY, s VARCHAR)")
    error = client.append(catalog, ((i % (ROWS - 1), "x") for i in range(ROWS)))
    assert error
    assert "constraint" in error.lower(), error
    client.holds(f"(SELECT count(*) = 0 FROM {catalog}.t)")


@pytest.mark.parametrize("catalog", ["here", "dh"])
def test_a_transaction_takes_it_back(client: Client, catalog: str) -> None:
    client.run(f"CREATE TABLE {catalog}.t (i INTEGER, s VARCHAR)")
    client.run("BEGIN")
    assert client.append(catalog, ((i, None) for i in range(10))) is None
    client.holds(f"(SELECT count(*) = 10 FROM {catalog}.t)")
    client.run("ROLLBACK")
    client.holds(f"(SELECT count(*) = 0 FROM {catalog}.t)")
