"""Whatever one statement reads from a server agrees, while others write there."""

import threading
from collections.abc import Callable, Iterator

import duckdb
import pytest

ROUNDS = 40


@pytest.fixture
def reader(connect: Callable[..., duckdb.DuckDBPyConnection], server) -> Iterator[duckdb.DuckDBPyConnection]:
    """A client, while another raises the one row of `dh.a` and of `dh.b` together, again and again."""
    client, writer = connect(), connect()
    options = f"(TYPE duckherder, server_host 'localhost', server_port {server.port})"
    for connection in (client, writer):
        connection.execute(f"ATTACH 'dh' {options}")
    client.execute("CREATE TABLE dh.a AS SELECT 0 AS v")
    client.execute("CREATE TABLE dh.b AS SELECT 0 AS v")
    client.execute("CREATE TABLE here AS SELECT 1 AS i")
    is_over = threading.Event()
    failures: list[Exception] = []

    def write() -> None:
        try:
            while not is_over.is_set():
                writer.execute("BEGIN; UPDATE dh.a SET v = v + 1; UPDATE dh.b SET v = v + 1; COMMIT")
        except Exception as failure:  # noqa: BLE001: told by the fixture
            failures.append(failure)

    thread = threading.Thread(target=write)
    thread.start()
    yield client
    is_over.set()
    thread.join()
    assert not failures


STATEMENTS = {
    "two tables": "SELECT count(DISTINCT v) FROM (SELECT a.v AS x, b.v AS y FROM dh.a, dh.b, here), unnest([x, y]) t(v)",
    "one table twice": "SELECT count(DISTINCT v) FROM (SELECT l.v AS x, r.v AS y FROM dh.a l, dh.a r, here), unnest([x, y]) t(v)",
    "pushed parts": "SELECT count(DISTINCT v) FROM (SELECT v FROM dh.a UNION ALL SELECT v FROM dh.b UNION ALL SELECT NULL FROM here)",
    "subqueries": "SELECT count(DISTINCT v) FROM (SELECT unnest([(SELECT v FROM dh.a), (SELECT v FROM dh.b)]) AS v FROM here)",
    "a part that is read again and again": (
        "WITH RECURSIVE r(n, v) AS (SELECT 0, NULL::INTEGER FROM here "
        "UNION ALL SELECT n + 1, a.v FROM r, dh.a WHERE n < 20) SELECT count(DISTINCT v) FROM r"
    ),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_one_statement_sees_one_snapshot(reader: duckdb.DuckDBPyConnection, statement: str) -> None:
    seen = set()
    for _ in range(ROUNDS):
        assert reader.execute(statement).fetchall() == [(1,)]
        seen |= set(reader.execute("FROM dh.a").fetchall())
    assert len(seen) > 1, "the writer writes"


def test_a_transaction_sees_one_snapshot(reader: duckdb.DuckDBPyConnection) -> None:
    for _ in range(ROUNDS // 4):
        reader.execute("BEGIN")
        first = reader.execute("FROM dh.a").fetchall()
        assert reader.execute("FROM dh.b").fetchall() == first
        assert reader.execute("SELECT b.v FROM dh.b, here").fetchall() == first
        reader.execute("COMMIT")
