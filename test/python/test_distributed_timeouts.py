"""A distributed query that takes too long ends on all workers."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import Duckling
from waiting import until

WORKERS = 2
#: Hours of work for the workers; nothing comes to the driver before it is done.
ENDLESS = "SELECT count(*) FROM t a JOIN t b USING (g) JOIN t c USING (g) WHERE hash(a.i + b.i + c.i) = 1"


@pytest.fixture
def start(
    start_server: Callable[..., Duckling], connect: Callable[..., duckdb.DuckDBPyConnection], tmp_path: Path
) -> Iterator[Callable[..., duckdb.DuckDBPyConnection]]:
    """Start a cluster whose driver gets some more arguments, and return a client that uses it."""

    def started(*arguments: str) -> duckdb.DuckDBPyConnection:
        driver = start_server("--listen", "127.0.0.1:0", *arguments)
        for number in range(WORKERS):
            join = ("--join", f"127.0.0.1:{driver.port}", "--worker-id", f"w{number}")
            start_server("--listen", "127.0.0.1:0", *join, "--threads", "1")
        client = connect()
        client.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {driver.port})")
        counted = "SELECT duckherder_get_worker_count()"
        until(lambda: client.execute(counted).fetchone() == (WORKERS,), "the workers join")
        rows = "SELECT i, i % 7 AS g FROM range(200000) r(i)"
        client.execute(f"COPY ({rows}) TO '{tmp_path}/t.parquet' (ROW_GROUP_SIZE 10000)")
        client.execute(f"CREATE VIEW dh.t AS FROM read_parquet('{tmp_path}/t.parquet')")
        client.execute("SET duckherder_distribution = 'force'; USE dh")
        return client

    yield started


def assert_ended(client: duckdb.DuckDBPyConnection) -> None:
    running = "SELECT sum(tasks_running), sum(tasks_done) > 0 FROM duckherder_workers()"
    until(lambda: client.execute(running).fetchone() == (0, True), "the tasks end")
    client.execute("SET max_execution_time = 0")
    assert client.execute("SELECT count(*) FROM t").fetchone() == (200_000,), "the workers are free"


def test_of_the_client(start: Callable[..., duckdb.DuckDBPyConnection]) -> None:
    client = start()
    client.execute("SET max_execution_time = 700")
    begun = time.monotonic()
    with pytest.raises(duckdb.InterruptException, match="exceeded maximum execution time"):
        client.execute(ENDLESS).fetchall()
    assert time.monotonic() - begun < 5
    assert_ended(client)


def test_of_the_server(start: Callable[..., duckdb.DuckDBPyConnection]) -> None:
    """It strikes while the driver itself has nothing to do but to wait."""
    client = start("--statement-timeout", "700ms")
    begun = time.monotonic()
    with pytest.raises(duckdb.InterruptException, match="exceeded maximum execution time"):
        client.execute(ENDLESS).fetchall()
    assert time.monotonic() - begun < 5
    assert_ended(client)
