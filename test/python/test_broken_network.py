"""A connection that breaks while nothing is under way, as when a laptop sleeps: the client goes on, but for its transaction."""

import threading
import time
from collections.abc import Callable

import duckdb
import pytest
from breaking_proxy import Proxy
from conftest import Duckling
from waiting import until


@pytest.fixture
def server(start_server: Callable[..., Duckling]) -> Duckling:
    """A server that soon ends the session of a client whose connection broke."""
    return start_server("--listen", "127.0.0.1:0", "--disconnect-timeout", "1s")


def rows(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("SELECT count(*) FROM dh.t").fetchall()[0][0]


def outlast_the_session() -> None:
    time.sleep(3)


def test_a_connection_that_broke_while_idle(client: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    proxy.break_connections()
    outlast_the_session()
    client.execute("INSERT INTO dh.t VALUES (1)")
    assert rows(client) == 1


def test_a_network_that_was_gone_while_idle(client: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    proxy.freeze()
    proxy.wait_for_client_to_leave()
    outlast_the_session()
    client.execute("INSERT INTO dh.t VALUES (1)")
    assert rows(client) == 1


def test_a_network_that_was_gone_during_a_transaction(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.freeze()
    proxy.wait_for_client_to_leave()
    outlast_the_session()
    with pytest.raises(duckdb.IOException, match="The transaction on .* is lost, nothing of it is kept"):
        client.execute("INSERT INTO dh.t VALUES (2)")
    client.execute("ROLLBACK")
    assert rows(client) == rows(witness) == 0
    client.execute("INSERT INTO dh.t VALUES (3)")
    assert rows(witness) == 1


@pytest.mark.parametrize(
    "statement",
    ["SELECT count(*) FROM dh.t a, dh.t b WHERE a.i <> b.i + 7", "INSERT INTO dh.t SELECT a.i FROM dh.t a, dh.t b WHERE hash(a.i + b.i) = 1"],
)
def test_a_network_that_goes_while_a_statement_runs(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy, statement: str
) -> None:
    """The client gives up in bounded time, whether it waits for rows or for an outcome, and the server is free again."""
    client.execute("INSERT INTO dh.t FROM range(300000)")
    threading.Timer(1, proxy.freeze).start()
    begun = time.monotonic()
    with pytest.raises(duckdb.IOException, match="localhost"):
        client.execute(statement).fetchall()
    assert time.monotonic() - begun < 40
    running = "SELECT count(*) FROM duckherder_server_query_history() WHERE status = 'running'"
    until(lambda: witness.execute(running).fetchone() == (0,), "the server stops the statement")
    assert rows(client) == 300000
