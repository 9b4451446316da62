"""The server ends while a client works with it: a clear error, then work goes on without another ATTACH."""

import threading
import time
from collections.abc import Callable

import duckdb
import pytest

ENDLESS = "range(100000) a, range(100000) b, range(100000) c"


def test_killed_and_started_again(attached: duckdb.DuckDBPyConnection, server, start_server: Callable) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    server.kill()
    with pytest.raises(duckdb.IOException, match=f"localhost:{server.port}"):
        attached.execute("FROM dh.t")
    start_server("--listen", f"127.0.0.1:{server.port}")
    attached.execute("CREATE TABLE dh.u AS SELECT 2 AS i")
    assert attached.execute("FROM dh.u").fetchall() == [(2,)]
    with pytest.raises(duckdb.CatalogException, match="does not exist"):
        attached.execute("FROM dh.t")


def test_killed_in_the_middle_of_a_query(attached: duckdb.DuckDBPyConnection, server, start_server: Callable) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    timer = threading.Timer(1, server.kill)
    timer.start()
    began = time.monotonic()
    with pytest.raises(duckdb.IOException, match=f"localhost:{server.port}"):
        attached.execute(f"SELECT count(*) FROM dh.t, {ENDLESS}").fetchall()
    assert time.monotonic() - began < 10
    timer.join()
    start_server("--listen", f"127.0.0.1:{server.port}")
    attached.execute("CREATE TABLE dh.u AS SELECT 2 AS i")
    assert attached.execute("FROM dh.u").fetchall() == [(2,)]


def test_killed_in_the_middle_of_a_result(attached: duckdb.DuckDBPyConnection, server) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    reader = attached.sql(f"SELECT a.range, b.range FROM dh.t, {ENDLESS}").to_arrow_reader(1000)
    assert reader.read_next_batch().num_rows > 0
    server.kill()
    with pytest.raises(Exception, match="(?i)lost the connection|cannot reach"):
        for _ in range(100_000_000):
            reader.read_next_batch()


def test_killed_in_the_middle_of_a_load(attached: duckdb.DuckDBPyConnection, server, start_server: Callable) -> None:
    attached.execute("CREATE TABLE here AS SELECT 1 AS i")
    timer = threading.Timer(1, server.kill)
    timer.start()
    began = time.monotonic()
    with pytest.raises(duckdb.IOException, match=f"localhost:{server.port}"):
        attached.execute(f"CREATE TABLE dh.t AS SELECT a.range FROM here, {ENDLESS}")
    assert time.monotonic() - began < 10
    timer.join()
    start_server("--listen", f"127.0.0.1:{server.port}")
    attached.execute("CREATE TABLE dh.t AS SELECT i FROM here")
    assert attached.execute("FROM dh.t").fetchall() == [(1,)]


def test_killed_inside_a_transaction(attached: duckdb.DuckDBPyConnection, server, start_server: Callable) -> None:
    attached.execute("BEGIN")
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    server.kill()
    start_server("--listen", f"127.0.0.1:{server.port}")
    # The rest of the transaction must not run by itself
    with pytest.raises(duckdb.IOException, match="The transaction on .* is lost"):
        attached.execute("CREATE TABLE dh.u AS SELECT 2 AS i")
    with pytest.raises(duckdb.TransactionException, match="(?i)please ROLLBACK"):
        attached.execute("CREATE TABLE dh.u AS SELECT 2 AS i")
    attached.execute("ROLLBACK")
    assert attached.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'dh'").fetchall() == [(0,)]


def test_killed_inside_a_transaction_and_not_back(attached: duckdb.DuckDBPyConnection, server, start_server: Callable) -> None:
    attached.execute("BEGIN")
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    server.kill()
    with pytest.raises(duckdb.IOException, match="The transaction on .* is lost"):
        attached.execute("CREATE TABLE dh.u AS SELECT 2 AS i")
    attached.execute("ROLLBACK")
    with pytest.raises(duckdb.IOException, match=f"localhost:{server.port}"):
        attached.execute("CREATE TABLE dh.u AS SELECT 2 AS i")
    start_server("--listen", f"127.0.0.1:{server.port}")
    attached.execute("CREATE TABLE dh.u AS SELECT 2 AS i")
    assert attached.execute("FROM dh.u").fetchall() == [(2,)]


def test_killed_inside_a_transaction_of_a_connected_client(
    attached: duckdb.DuckDBPyConnection, server, start_server: Callable
) -> None:
    """Its BEGIN went to the server as it was, so only the server's answers tell of the transaction."""
    attached.execute("CONNECT dh")
    attached.execute("BEGIN")
    attached.execute("CREATE TABLE t AS SELECT 1 AS i")
    server.kill()
    start_server("--listen", f"127.0.0.1:{server.port}")
    with pytest.raises(duckdb.IOException, match="The transaction on .* is lost"):
        attached.execute("CREATE TABLE u AS SELECT 2 AS i")
    with pytest.raises(duckdb.CatalogException, match="does not exist"):
        attached.execute("FROM u")
    attached.execute("CREATE TABLE u AS SELECT 3 AS i")
    assert attached.execute("FROM u").fetchall() == [(3,)]


def test_killed_before_commit(attached: duckdb.DuckDBPyConnection, server) -> None:
    attached.execute("BEGIN")
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    server.kill()
    with pytest.raises(duckdb.Error):
        attached.execute("COMMIT")
    assert attached.execute("SELECT 1").fetchall() == [(1,)]


def test_detach_without_the_server(attached: duckdb.DuckDBPyConnection, server) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    server.kill()
    began = time.monotonic()
    attached.execute("DETACH dh")
    assert time.monotonic() - began < 5
    assert attached.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'dh'").fetchall() == [(0,)]


def test_local_work_goes_on_without_the_server(attached: duckdb.DuckDBPyConnection, server) -> None:
    attached.execute("CREATE TABLE here AS SELECT 1 AS i")
    server.kill()
    assert attached.execute("FROM here").fetchall() == [(1,)]
    assert attached.execute("INSERT INTO here VALUES (2)").fetchall() == [(1,)]


def test_sigterm_ends_with_success(attached: duckdb.DuckDBPyConnection, server) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    assert server.stop() == 0


def test_closing_a_client_rolls_back(connect: Callable[..., duckdb.DuckDBPyConnection], server) -> None:
    options = f"(TYPE duckherder, server_host 'localhost', server_port {server.port})"
    first, second = connect(), connect()
    first.execute(f"ATTACH 'dh' {options}")
    second.execute(f"ATTACH 'dh' {options}")
    first.execute("BEGIN")
    first.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    first.close()
    for _ in range(50):
        try:
            second.execute("CREATE TABLE dh.t AS SELECT 2 AS i")
            break
        except duckdb.Error:
            time.sleep(0.1)
    assert second.execute("FROM dh.t").fetchall() == [(2,)]


def test_detaching_closes_the_sessions_of_all_connections(
    connect: Callable[..., duckdb.DuckDBPyConnection], server
) -> None:
    options = f"(TYPE duckherder, server_host 'localhost', server_port {server.port})"
    client, witness = connect(), connect()
    client.execute(f"ATTACH 'dh' {options}")
    witness.execute(f"ATTACH 'dh' {options}")
    other = client.cursor()
    other.execute("CONNECT dh")
    other.execute("BEGIN")
    other.execute("CREATE TABLE t AS SELECT 1 AS i")
    other.execute("DISCONNECT")
    client.execute("DETACH dh")
    for _ in range(50):
        try:
            witness.execute("CREATE TABLE dh.t AS SELECT 2 AS i")
            break
        except duckdb.Error:
            time.sleep(0.1)
    assert witness.execute("FROM dh.t").fetchall() == [(2,)]
    assert other.execute("SELECT 3").fetchall() == [(3,)]
