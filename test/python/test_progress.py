"""How far a statement of the server is, as its client shows it: `query_progress()`, and the bar of the shell."""

import re
import threading
import time

import duckdb
import pytest
from test_shell import environment, home, terminal  # noqa: F401
from waiting import until

SLOW = "list_sum(list_transform(range(100), lambda x: hash(x + i) % 7))"
INTERVAL_S = 0.02
BAR = re.compile(r"(\d+)% ▕")


def watch(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[float], list[tuple]]:
    """Run a statement; what the connection has said of its progress meanwhile, and its result."""
    seen: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.append(connection.query_progress())
            time.sleep(INTERVAL_S)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        rows = connection.execute(sql).fetchall()
    finally:
        over.set()
        watcher.join()
    return seen, rows


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT count({SLOW}) FROM dh.big",
        f"UPDATE dh.big SET v = {SLOW}",
        f"CREATE TABLE dh.copy AS SELECT {SLOW} AS v FROM dh.big",
        f"UPDATE dh.big SET v = {SLOW} FROM here WHERE i >= here.least",
        # The server filters, and the client joins
        f"SELECT count(*) FROM duckherder_query('dh', 'SELECT i FROM big WHERE {SLOW} > 0') s JOIN here ON s.i >= here.least",
    ],
    ids=["SELECT", "UPDATE", "CREATE TABLE AS", "UPDATE with a local table", "join with a local table"],
)
def test_query_progress(attached: duckdb.DuckDBPyConnection, sql: str, threads: int) -> None:
    attached.execute("SET enable_progress_bar = true")
    attached.execute("SET enable_progress_bar_print = false")
    attached.execute(f"SET threads = {threads}")
    attached.execute("CREATE TABLE dh.big AS SELECT i, 0::HUGEINT AS v FROM range(6000000) t(i)")
    attached.execute("CREATE TABLE here AS SELECT 0 AS least")
    seen, rows = watch(attached, sql)
    assert rows == [(6000000,)]
    running = [percent for percent in seen if percent >= 0]
    assert running == sorted(running)
    assert all(percent <= 100 for percent in running)
    assert len({percent for percent in running if 0 < percent < 100}) >= 2, seen


def test_nobody_asks_without_a_progress_bar(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.big AS SELECT i FROM range(300000) t(i)")
    seen, _ = watch(attached, f"SELECT count({SLOW}) FROM dh.big")
    assert set(seen) == {-1}


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    "statement", [f"SELECT sum({SLOW}) FROM dh.big;", f"CREATE TABLE dh.copy AS SELECT {SLOW} AS v FROM dh.big;"]
)
def test_the_bar_of_the_shell_moves(terminal, server, statement, threads) -> None:  # noqa: F811
    shell = terminal()
    shell.wait_for_prompt()
    shell.type(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port});")
    shell.type(f"SET progress_bar_time = 1; SET threads = {threads};")
    shell.type("CREATE TABLE dh.big AS SELECT i FROM range(6_000_000) t(i);")
    out = shell.type(statement)
    shown = [int(percent) for percent in BAR.findall(out)]
    assert shown == sorted(shown)
    assert shown[-1] == 100
    assert len({percent for percent in shown if 0 < percent < 100}) >= 3, out
    # The result is below it, and no bar below the result
    after = out[out.rindex("100% ▕") :]
    assert "elapsed" in after
    assert ("┌" in after) == statement.startswith("SELECT")
    assert "42" in shell.type("SELECT 42;")
    assert shell.leave() == 0


@pytest.mark.parametrize("threads", [1, 4])
def test_progress_of_workers(start_server, connect, tmp_path, threads: int) -> None:  # noqa: ANN001
    """The driver has nothing to do but to wait for them."""
    driver = start_server("--listen", "127.0.0.1:0", "--threads", str(threads))
    for number in range(2):
        join = ("--join", f"127.0.0.1:{driver.port}", "--worker-id", f"w{number}", "--threads", "1")
        start_server("--listen", "127.0.0.1:0", *join)
    client = connect()
    client.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {driver.port})")
    until(lambda: client.execute("SELECT duckherder_get_worker_count()").fetchone() == (2,), "the workers join")
    client.execute(f"COPY (SELECT i FROM range(6000000) t(i)) TO '{tmp_path}/big.parquet'")
    client.execute(f"CREATE VIEW dh.big AS FROM read_parquet('{tmp_path}/big.parquet')")
    client.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    client.execute("SET duckherder_distribution = 'force'; USE dh")
    seen, rows = watch(client, f"SELECT count({SLOW}) FROM big")
    assert rows == [(6000000,)]
    running = [percent for percent in seen if percent >= 0]
    assert running == sorted(running)
    assert len({percent for percent in running if 0 < percent < 100}) >= 2, seen
