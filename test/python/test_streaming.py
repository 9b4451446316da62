"""Large results: they stream, stop when nobody reads on, and stop when they are interrupted."""

import threading
import time
from collections.abc import Callable

import adbc_driver_flightsql.dbapi as flight_sql
import duckdb
import pytest

#: Rows of a query that would run for hours
ENDLESS = "range(100000) a, range(100000) b, range(100000) c"
#: A few hundred rows now and then, for minutes: all of them together would not fill one batch
NOW_AND_THEN = "SELECT i FROM range(100_000_000_000) t(i) WHERE i % 500_000_000 < 500"


@pytest.fixture
def busy(server) -> Callable[[], float]:
    """CPU seconds that the server has used."""
    ticks_per_s = 100

    def used() -> float:
        with open(f"/proc/{server.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / ticks_per_s

    return used


def becomes_idle(busy: Callable[[], float]) -> bool:
    """Whether the server stops computing within ten seconds."""
    for _ in range(20):
        before = busy()
        time.sleep(0.5)
        if busy() - before < 0.1:
            return True
    return False


def test_first_rows_come_while_the_query_runs(server, connect) -> None:
    """A client that reads batch by batch: DuckDB itself may wait until its own buffers are half full."""
    connection = flight_sql.connect(f"grpc://127.0.0.1:{server.port}", autocommit=True)
    cursor = connection.cursor()
    cursor.execute(NOW_AND_THEN)
    reader = cursor.fetch_record_batch()
    other = connect()
    other.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh")
    for _ in range(2):
        assert reader.read_next_batch().num_rows > 0
        running = "SELECT query LIKE 'SELECT%' FROM duckherder_server_query_history() WHERE status = 'running'"
        assert other.execute(running).fetchall() == [(True,)]
    del reader
    cursor.close()
    connection.close()


def test_limit_over_an_endless_query(attached: duckdb.DuckDBPyConnection, busy: Callable[[], float]) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    attached.execute("CREATE TABLE here AS SELECT 1 AS i")
    attached.execute(f"CREATE VIEW dh.endless AS SELECT a.range AS x, c.range AS y FROM {ENDLESS}")
    began = time.monotonic()
    # The join with a local table keeps LIMIT on this side
    rows = attached.execute("SELECT x FROM dh.endless, here LIMIT 5").fetchall()
    assert len(rows) == 5
    assert time.monotonic() - began < 5
    assert becomes_idle(busy)


def test_a_pushed_limit(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    began = time.monotonic()
    assert len(attached.execute(f"SELECT a.range FROM dh.one, {ENDLESS} LIMIT 5").fetchall()) == 5
    assert time.monotonic() - began < 5


def test_a_closed_reader_stops_the_query(attached: duckdb.DuckDBPyConnection, busy: Callable[[], float]) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    cursor = attached.cursor()
    began = time.monotonic()
    reader = cursor.sql(f"SELECT a.range, b.range FROM dh.one, {ENDLESS}").to_arrow_reader(1000)
    assert reader.read_next_batch().num_rows > 0
    assert time.monotonic() - began < 5
    reader.close()
    del reader
    cursor.close()
    assert becomes_idle(busy)
    assert attached.execute("FROM dh.one").fetchall() == [(1,)]


def test_the_next_statement_drops_the_result(attached: duckdb.DuckDBPyConnection, busy: Callable[[], float]) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    assert len(attached.execute(f"SELECT a.range FROM dh.one, {ENDLESS}").fetchmany(2)) == 2
    assert attached.execute("FROM dh.one").fetchall() == [(1,)]
    assert becomes_idle(busy)


def test_a_result_dropped_inside_a_transaction(attached: duckdb.DuckDBPyConnection, busy: Callable[[], float]) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    attached.execute("CREATE TABLE here AS SELECT 1 AS i")
    attached.execute(f"CREATE VIEW dh.endless AS SELECT a.range AS x, c.range AS y FROM {ENDLESS}")
    attached.execute("BEGIN")
    attached.execute("INSERT INTO dh.one VALUES (2)")
    for _ in range(5):
        assert len(attached.execute("FROM dh.endless").fetchmany(2)) == 2
        assert len(attached.execute("SELECT x FROM dh.endless, here LIMIT 5").fetchall()) == 5
        assert attached.execute("SELECT count(*) FROM dh.one").fetchall() == [(2,)]
    attached.execute("COMMIT")
    assert attached.execute("SELECT count(*) FROM dh.one").fetchall() == [(2,)]
    assert becomes_idle(busy)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT count(*) FROM dh.one, {ENDLESS}",
        f"SELECT count(*) FROM dh.one, {ENDLESS} WHERE hash(a.range + b.range) = 1",
        "SELECT sum(x) FROM dh.endless, here",
        f"CREATE TABLE dh.never AS SELECT a.range FROM dh.one, {ENDLESS}",
        f"CREATE TABLE dh.never AS SELECT a.range FROM here, {ENDLESS} WHERE a.range + b.range < 0",
        f"INSERT INTO dh.one SELECT a.range FROM here, {ENDLESS}",
        f"UPDATE dh.one SET i = (SELECT count(*) FROM {ENDLESS})",
    ],
)
def test_interrupt(attached: duckdb.DuckDBPyConnection, busy: Callable[[], float], sql: str) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    attached.execute("CREATE TABLE here AS SELECT 1 AS i")
    attached.execute(f"CREATE VIEW dh.endless AS SELECT a.range AS x FROM {ENDLESS}")
    timer = threading.Timer(1, attached.interrupt)
    timer.start()
    began = time.monotonic()
    with pytest.raises(duckdb.InterruptException):
        attached.execute(sql).fetchall()
    assert time.monotonic() - began < 10
    assert becomes_idle(busy)
    assert attached.execute("FROM dh.one").fetchall() == [(1,)]
    assert attached.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'dh'").fetchall() == [("one",)]


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT count(*) FROM dh.one, {ENDLESS} WHERE hash(a.range + b.range) = 1",
        "SELECT sum(x) FROM dh.endless, here",
        f"CREATE TABLE dh.never AS SELECT a.range FROM dh.one, {ENDLESS}",
        f"INSERT INTO dh.one SELECT a.range FROM here, {ENDLESS}",
        f"UPDATE dh.one SET i = (SELECT count(*) FROM {ENDLESS})",
    ],
)
def test_max_execution_time(attached: duckdb.DuckDBPyConnection, busy: Callable[[], float], sql: str) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    attached.execute("CREATE TABLE here AS SELECT 1 AS i")
    attached.execute(f"CREATE VIEW dh.endless AS SELECT a.range AS x FROM {ENDLESS}")
    attached.execute("SET max_execution_time = 500")
    with pytest.raises(duckdb.InterruptException) as local:
        attached.execute(f"SELECT count(*) FROM {ENDLESS}").fetchall()
    with pytest.raises(duckdb.InterruptException) as remote:
        attached.execute(sql).fetchall()
    assert str(remote.value) == str(local.value)
    assert becomes_idle(busy)
    attached.execute("RESET max_execution_time")
    assert attached.execute("FROM dh.one").fetchall() == [(1,)]


def test_two_readers_at_once(attached: duckdb.DuckDBPyConnection) -> None:
    """Two cursors of one database read large results in turns."""
    attached.execute("CREATE TABLE dh.big AS SELECT range AS i FROM range(300000)")
    readers = [
        attached.cursor().sql("SELECT i FROM dh.big ORDER BY i").to_arrow_reader(10000) for _ in range(2)
    ]
    seen = [0, 0]
    for _ in range(1000):
        for which, reader in enumerate(readers):
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                continue
            seen[which] += batch.num_rows
    assert seen == [300000, 300000]


def test_the_same_table_twice_in_one_local_join(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.big AS SELECT range AS i FROM range(1000000)")
    attached.execute("CREATE TABLE here AS SELECT 3 AS i")
    timer = threading.Timer(30, attached.interrupt)
    timer.start()
    rows = attached.execute(
        "SELECT count(*), sum(a.i) FROM dh.big a JOIN dh.big b ON a.i = b.i + 1 JOIN here ON a.i % 10 = here.i"
    ).fetchall()
    timer.cancel()
    assert rows == [(100000, sum(range(3, 1000000, 10)))]


@pytest.mark.parametrize("rows", [1, 1000000])
@pytest.mark.parametrize("into", ["CREATE TABLE dh.copy AS", "INSERT INTO dh.target"])
def test_remote_rows_through_the_client_and_back(attached: duckdb.DuckDBPyConnection, rows: int, into: str) -> None:
    """A scan and a load of one server at the same time, in one statement."""
    attached.execute(f"CREATE TABLE dh.source AS SELECT range AS i FROM range({rows})")
    attached.execute("CREATE TABLE dh.target (i BIGINT)")
    attached.execute(f"CREATE TABLE here AS SELECT range AS i FROM range({rows})")
    timer = threading.Timer(30, attached.interrupt)
    timer.start()
    assert attached.execute(f"{into} SELECT i FROM dh.source JOIN here USING (i)").fetchall() == [(rows,)]
    timer.cancel()
    table = into.split()[2]
    assert attached.execute(f"SELECT count(DISTINCT i) FROM {table}").fetchall() == [(rows,)]
