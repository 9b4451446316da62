"""What a server records of its clients' statements, and how a client reads it."""

import threading
import time
from collections.abc import Callable, Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
import duckdb
import pyarrow
import pytest
from conftest import Duckling

LIMIT_S = 30
ANY_PORT = ("--listen", "127.0.0.1:0")
#: Would run for hours.
ENDLESS = "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c WHERE a.range + b.range <> c.range"
#: Rows without end
ENDLESS_ROWS = "SELECT a.range AS i FROM range(10000000) a, range(10000000) b"


@pytest.fixture
def attach(connect: Callable[..., duckdb.DuckDBPyConnection]) -> Callable[[Duckling], duckdb.DuckDBPyConnection]:
    """Attach a server as `dh` to a new DuckDB."""

    def attach_server(server: Duckling) -> duckdb.DuckDBPyConnection:
        connection = connect()
        connection.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh")
        return connection

    return attach_server


@pytest.fixture
def open_client() -> Iterator[Callable[..., flight_sql.Connection]]:
    """Open ADBC connections; all close with the test."""
    clients: list[flight_sql.Connection] = []

    def open_connection(server: Duckling, **options: str) -> flight_sql.Connection:
        clients.append(flight_sql.connect(f"grpc://127.0.0.1:{server.port}", db_kwargs=options, autocommit=True))
        return clients[-1]

    yield open_connection
    for client in clients:
        client.close()


def history(connection: duckdb.DuckDBPyConnection, columns: str, where: str = "true") -> list[tuple]:
    sql = f"SELECT {columns} FROM duckherder_server_query_history() WHERE {where} ORDER BY query_id"
    return connection.execute(sql).fetchall()


def wait_for(connection: duckdb.DuckDBPyConnection, columns: str, where: str, expected: tuple) -> None:
    """What has to do with the end of a stream is recorded when the server hears of it."""
    deadline = time.monotonic() + LIMIT_S
    while (found := history(connection, columns, where)) != [expected]:
        assert time.monotonic() < deadline, f"{found}, not {expected}"
        time.sleep(0.02)


def run(client: flight_sql.Connection, sql: str, parameters: tuple | None = None) -> list[tuple]:
    with client.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def test_statements_of_all_clients_are_recorded(server: Duckling, attach: Callable, open_client: Callable) -> None:
    reader, one, two = attach(server), attach(server), open_client(server)
    one.execute("CREATE TABLE dh.t AS SELECT range AS i FROM range(1000)")
    one.execute("FROM dh.t").fetchall()
    one.execute("UPDATE dh.t SET i = i + 1 WHERE i < 10")
    run(two, "SELECT i FROM t WHERE i > 500")
    run(two, "SELECT ? + 1", (41,))
    with two.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)])
        cursor.adbc_ingest("ingested", pyarrow.table({"x": list(range(500))}), mode="create")
    expected = [
        ("%CREATE TABLE%", 1000, False),
        ("%SELECT * FROM%t", 1000, True),
        ("%UPDATE%", 10, False),
        ("SELECT i FROM t%", 499, True),
        ("SELECT ? + 1", 1, True),
        ("INSERT INTO t VALUES (?)", 3, False),
        ('INSERT INTO "ingested" <rows of the client>', 500, False),
    ]
    found = history(reader, "query, rows, bytes_sent > rows, status, error, cpu_time > INTERVAL 0 SECONDS")
    assert len(found) == len(expected), found
    for (query, rows, *rest), (pattern, expected_rows, is_query) in zip(found, expected, strict=True):
        assert reader.execute("SELECT ? LIKE ?", [query, pattern]).fetchone() == (True,), (query, pattern)
        assert rows == expected_rows, query
        assert rest[1:] == ["finished", None, True], query
        if is_query:
            assert rest[0], query
    sessions = history(reader, "DISTINCT ON (session_id) session_id, len(session_id) > 20")
    assert len(sessions) == 2


def test_times_are_those_of_the_statement(server: Duckling, attach: Callable) -> None:
    connection = attach(server)
    before = connection.execute("SELECT now()").fetchone()[0]
    began = time.monotonic()
    connection.execute(f"SELECT count(*) FROM duckherder_query('dh', '{ENDLESS_ROWS} LIMIT 3000000')").fetchall()
    took = time.monotonic() - began
    ((start, duration, cpu, memory),) = history(connection, "start_time, duration, cpu_time, peak_memory_bytes")
    assert abs((start - before).total_seconds()) < took + 1
    assert 0 < duration.total_seconds() <= took
    assert 0 < cpu.total_seconds()
    assert memory > 0


def test_failures_are_recorded(server: Duckling, attach: Callable, open_client: Callable) -> None:
    connection, client = attach(server), open_client(server)
    with pytest.raises(duckdb.Error):
        connection.execute("FROM duckherder_query('dh', 'SELECT missing')").fetchall()
    with pytest.raises(adbc_driver_manager.Error):
        run(client, "SELECT absent")
    with pytest.raises(adbc_driver_manager.Error):
        # Only once it runs
        run(client, "SELECT error('on purpose') FROM range(3)")
    found = history(connection, "query, status, error")
    assert [(query, status) for query, status, _ in found] == [
        ("SELECT missing", "failed"),
        ("SELECT absent", "failed"),
        ("SELECT error('on purpose') FROM range(3)", "failed"),
    ]
    for (*_, error), text in zip(found, ("missing", "absent", "on purpose"), strict=True):
        assert "Error: " in error and text in error


def test_a_time_limit_is_a_failure(start_server: Callable, attach: Callable) -> None:
    server = start_server(*ANY_PORT, "--statement-timeout", "300ms")
    connection = attach(server)
    with pytest.raises(duckdb.Error, match="execution time"):
        connection.execute(f"FROM duckherder_query('dh', '{ENDLESS}')").fetchall()
    ((status, error),) = history(connection, "status, error")
    assert status == "failed"
    assert "execution time" in error


def test_what_runs_is_seen_and_what_is_cancelled_too(server: Duckling, attach: Callable, open_client: Callable) -> None:
    reader, client = attach(server), open_client(server)
    cursor = client.cursor()
    raised: list[Exception] = []

    def work() -> None:
        try:
            cursor.execute(ENDLESS)
            cursor.fetchall()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    mine = "query LIKE 'SELECT count(*) FROM range(100000)%'"
    # Longer than binding it takes, which comes first and is forgotten
    wait_for(reader, "status, rows, error, duration > INTERVAL 1 SECOND", mine, ("running", 0, None, True))
    ((first,),) = history(reader, "duration", mine)
    wait_for(reader, "duration > INTERVAL (?) SECONDS".replace("?", str(first.total_seconds())), mine, (True,))
    wait_for(reader, "cpu_time > INTERVAL 0 SECONDS", mine, (True,))
    cursor.adbc_cancel()
    thread.join(LIMIT_S)
    assert len(raised) == 1
    wait_for(reader, "status, error", mine, ("cancelled", None))
    ends = [history(reader, "duration", mine) for _ in range(2)]
    assert ends[0] == ends[1]
    cursor.close()


def test_a_result_that_is_given_up_was_cancelled(server: Duckling, attach: Callable, open_client: Callable) -> None:
    reader, client = attach(server), open_client(server)
    cursor = client.cursor()
    cursor.execute(ENDLESS_ROWS)
    cursor.fetchmany(10)
    mine = "query LIKE 'SELECT a.range%'"
    wait_for(reader, "status, rows > 0, bytes_sent > 0", mine, ("running", True, True))
    cursor.close()
    wait_for(reader, "status", mine, ("cancelled",))


def test_a_change_whose_count_nobody_fetches_is_finished(
    server: Duckling, attach: Callable, open_client: Callable
) -> None:
    reader, client = attach(server), open_client(server)
    run(client, "CREATE TABLE t (i INTEGER)")
    cursor = client.cursor()
    # Runs at GetFlightInfo
    cursor.execute("INSERT INTO t SELECT range FROM range(7)")
    wait_for(reader, "status, rows", "query LIKE 'INSERT%'", ("finished", 7))
    cursor.close()
    wait_for(reader, "status, rows", "query LIKE 'INSERT%'", ("finished", 7))


def test_loads_and_their_failures_are_recorded(server: Duckling, attach: Callable) -> None:
    connection = attach(server)
    connection.execute("CREATE TABLE here AS SELECT range AS i FROM range(300)")
    connection.execute("CREATE TABLE dh.t (i INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO dh.t FROM here")
    with pytest.raises(duckdb.ConstraintException):
        connection.execute("INSERT INTO dh.t FROM here")
    found = history(connection, "rows, status, error", "query LIKE '%<rows of the client>'")
    assert found[0] == (300, "finished", None)
    assert found[1][:2] == (0, "failed")
    assert found[1][2].startswith("Constraint Error: ")


def test_the_oldest_are_dropped(start_server: Callable, attach: Callable, open_client: Callable) -> None:
    server = start_server(*ANY_PORT, "--query-history", "5")
    reader, running, client = attach(server), open_client(server), open_client(server)
    cursor = running.cursor()
    cursor.execute(ENDLESS_ROWS)
    cursor.fetchmany(1)
    for i in range(20):
        run(client, f"SELECT {i}")
    queries = [query for (query,) in history(reader, "query")]
    # What runs stays
    assert queries == [ENDLESS_ROWS, "SELECT 16", "SELECT 17", "SELECT 18", "SELECT 19"]
    cursor.close()


def test_it_can_be_turned_off(start_server: Callable, attach: Callable, tmp_path) -> None:
    config = tmp_path / "duckling.toml"
    config.write_text("query-history = 0\n")
    connection = attach(start_server(*ANY_PORT, "--config", str(config)))
    connection.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    assert connection.execute("FROM dh.t").fetchall() == [(1,)]
    assert history(connection, "*") == []


def test_secrets_are_not_shown(server: Duckling, attach: Callable, open_client: Callable) -> None:
    reader, client = attach(server), open_client(server)
    run(client, "CREATE SECRET one (TYPE http, BEARER_TOKEN 'hush-hush')")
    run(client, 'CREATE SECRET two (TYPE http, BEARER_TOKEN "hush-hush")')
    run(client, "CREATE SECRET three (TYPE http, BEARER_TOKEN hush)")
    for wrong in (
        "CREATE SECRET (TYPE http, BEARER_TOKEN 'hush-hush' oops)",
        "CREATE SECRET (TYPE http, BEARER_TOKEN 'hush-hush', NO_SUCH_OPTION 'hush-hush')",
        "ATTACH '/does/not/exist/hush-hush' AS x",
        "ATTACH 'x' (TYPE nosuch, TOKEN hush)",
        "SET no_such_password = 'hush-hush'",
    ):
        with pytest.raises(adbc_driver_manager.Error):
            run(client, wrong)
    found = history(reader, "query, status, error")
    assert len(found) == 8
    assert [status for _, status, _ in found] == ["finished"] * 3 + ["failed"] * 5
    assert found[0][0] == "CREATE SECRET one (TYPE '***', BEARER_TOKEN '***')"
    assert "hush" not in str(found)
    # What happened is still told
    assert found[3][2].startswith("Parser Error: ")


def test_the_name_that_a_client_gave_is_shown(server: Duckling, attach: Callable, open_client: Callable) -> None:
    reader = attach(server)
    named = open_client(server, username="möwe", password="hush")
    nameless = open_client(server)
    run(named, "SELECT 1")
    run(nameless, "SELECT 2")
    assert history(reader, "query, user_name") == [("SELECT 1", "möwe"), ("SELECT 2", None)]
    assert "hush" not in str(history(reader, "*"))


def test_spilled_bytes_are_counted(start_server: Callable, attach: Callable, tmp_path) -> None:
    server = start_server(*ANY_PORT, "--memory-limit", "100MB", "--temp-dir", str(tmp_path), "--threads", "2")
    connection = attach(server)
    big = "SELECT range AS i, md5(range::VARCHAR) AS h FROM range(3000000) ORDER BY h OFFSET 2999990"
    assert len(connection.execute(f"FROM duckherder_query('dh', '{big}')").fetchall()) == 10
    connection.execute("FROM duckherder_query('dh', 'SELECT 42')").fetchall()
    sort, small = history(connection, "spilled_bytes, peak_memory_bytes")
    assert sort[0] > 10_000_000
    assert 10_000_000 < sort[1] <= 110_000_000
    assert small[0] == 0


def test_a_result_that_is_pushed_aside_spills(start_server: Callable, attach: Callable, open_client: Callable) -> None:
    server = start_server(*ANY_PORT)
    reader, client = attach(server), open_client(server)
    with client.cursor() as first:
        first.execute("SELECT range AS i, repeat('x', 100) AS s FROM range(2000000)")
        first.fetchmany(1)
        run(client, "SELECT 42")
        ((spilled, status),) = history(reader, "spilled_bytes, status", "query LIKE '%repeat%'")
        assert (spilled > 50_000_000, status) == (True, "running")
        assert sum(1 for _ in iter(lambda: first.fetchmany(100_000), [])) > 0
    wait_for(reader, "status, rows", "query LIKE '%repeat%'", ("finished", 2_000_000))


def test_profiles_of_the_user_are_left_alone(server: Duckling, open_client: Callable) -> None:
    client = open_client(server)
    plan = str(run(client, "EXPLAIN ANALYZE SELECT count(*) FROM range(1000)"))
    assert "Total Time" in plan
    run(client, "SET enable_profiling = 'no_output'")
    assert run(client, "SELECT current_setting('enable_profiling')") == [("no_output",)]
    run(client, "SELECT count(*) FROM range(1000)")
    assert run(client, "SELECT current_setting('enable_profiling')") == [("no_output",)]


def test_several_servers_are_told_apart(start_server: Callable, connection: duckdb.DuckDBPyConnection) -> None:
    for name in ("one", "two"):
        connection.execute(f"ATTACH 'duckherder://localhost:{start_server().port}' AS {name}")
    connection.execute("FROM duckherder_query('two', 'SELECT 2')").fetchall()
    with pytest.raises(duckdb.BinderException, match='"one", "two".*"catalog"'):
        connection.execute("FROM duckherder_server_query_history()")
    read = "SELECT query FROM duckherder_server_query_history({})"
    assert connection.execute(read.format("'one'")).fetchall() == []
    assert connection.execute(read.format("catalog := 'two'")).fetchall() == [("SELECT 2",)]
    assert connection.execute("SELECT count(*) > 0 FROM duckherder_server_extensions(catalog := 'two')").fetchone() == (
        True,
    )
