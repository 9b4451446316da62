"""What a statement costs: the calls that reach the server, counted in its log."""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Iterator

import duckdb
import pytest
from conftest import RELEASE, START_TIMEOUT_S

CALL = re.compile(r' rpc method="(\w+)" session_id="([\w-]*)"')


class CountingServer:
    """A stand-alone server that logs its calls."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [str(RELEASE / "duckling-server"), "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "DUCKLING_LOG": "duckling_server=debug"},
        )
        self.calls: queue.Queue[tuple[str, str]] = queue.Queue()
        threading.Thread(target=self._read_log, daemon=True).start()
        line = self.process.stdout.readline()
        self.port = int(re.search(r"listening on \S+:(\d+)", line).group(1))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _read_log(self) -> None:
        for line in self.process.stderr:
            if found := CALL.search(line):
                self.calls.put((found.group(1), found.group(2)))


class Counter:
    """One client whose calls are counted, and another that marks their end in the log."""

    def __init__(self, client: duckdb.DuckDBPyConnection, marker: duckdb.DuckDBPyConnection, server: CountingServer) -> None:
        self.client = client
        self._marker = marker
        self._server = server
        self._marks = 0
        self._marks_seen = 0
        self._marker_session = ""
        self._mark("CREATE TABLE dh.marker (i INTEGER)")

    def calls(self, *statements: str, parameters: list | None = None) -> list[str]:
        """Run statements, read their results, and return what they called."""
        self._mark()
        for statement in statements:
            self.client.execute(statement, parameters).fetchall()
        return self._mark()

    def other(self, statement: str) -> None:
        """Run a statement as another client."""
        self._mark(statement)

    def _mark(self, statement: str = "DELETE FROM dh.marker") -> list[str]:
        """What the client has called since the last mark."""
        self._marker.execute(statement)
        self._marks += 1
        calls = []
        while self._marks_seen < self._marks:
            method, session = self._server.calls.get(timeout=START_TIMEOUT_S)
            # Nobody else has run a statement when the marker does for the first time
            if method == "DoGet" and session == (self._marker_session or session):
                self._marker_session = session
                self._marks_seen += 1
            elif session != self._marker_session:
                calls.append(method)
        return calls


@pytest.fixture
def counting_server() -> Iterator[CountingServer]:
    server = CountingServer()
    yield server
    server.stop()


@pytest.fixture
def counter(connect: Callable[..., duckdb.DuckDBPyConnection], counting_server: CountingServer) -> Counter:
    client, marker = connect(), connect()
    options = f"(TYPE duckherder, server_host 'localhost', server_port {counting_server.port})"
    marker.execute(f"ATTACH 'dh' {options}")
    counter = Counter(client, marker, counting_server)
    client.execute(f"ATTACH 'dh' {options}")
    client.execute("CREATE TABLE dh.t AS SELECT range::INTEGER AS i, 'text ' || range AS s FROM range(1000)")
    client.execute("CREATE TABLE dh.u AS FROM dh.t")
    client.execute("CREATE TABLE here AS SELECT range::INTEGER AS i FROM range(10)")
    client.execute("FROM dh.t LIMIT 1").fetchall()
    return counter


STATEMENTS = [
    "SELECT s FROM dh.t WHERE i = 7",
    "SELECT count(*), sum(i), max(s) FROM dh.t",
    "SELECT count(*) FROM dh.t JOIN dh.u USING (i)",
    "WITH big AS (FROM dh.t WHERE i > 500) SELECT count(*) FROM big a JOIN big b USING (i)",
    "INSERT INTO dh.t VALUES (1, 'one')",
    "INSERT INTO dh.t SELECT * FROM dh.u LIMIT 2",
    "UPDATE dh.t SET s = 'changed' WHERE i = 3",
    "DELETE FROM dh.t WHERE i = 4",
    "MERGE INTO dh.t USING dh.u USING (i) WHEN MATCHED THEN UPDATE SET s = u.s",
    "INSERT INTO here SELECT i FROM dh.t",
    "CREATE OR REPLACE TABLE copy_here AS FROM dh.t",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_one_call(counter: Counter, statement: str) -> None:
    assert counter.calls(statement) == ["DoGet"]
    assert counter.calls(statement) == ["DoGet"]


def test_ddl_is_one_call(counter: Counter) -> None:
    for statement in (
        "CREATE TABLE dh.copied AS FROM dh.t",
        "CREATE TABLE dh.made (i INTEGER)",
        "ALTER TABLE dh.made ADD COLUMN j INTEGER",
        "CREATE VIEW dh.v AS SELECT 1 AS i",
        "CREATE SCHEMA dh.s",
        "DROP VIEW dh.v",
        "DROP TABLE dh.made",
    ):
        assert counter.calls(statement) == ["DoGet"], statement


def test_the_catalog_is_read_once_after_ddl(counter: Counter) -> None:
    counter.calls("CREATE TABLE dh.made (i INTEGER)")
    assert counter.calls("INSERT INTO dh.made VALUES (1)") == ["DoAction", "DoGet"]
    assert counter.calls("INSERT INTO dh.made VALUES (1)") == ["DoGet"]


def test_prepared_statements(counter: Counter) -> None:
    assert counter.calls("PREPARE p AS SELECT s FROM dh.t WHERE i = $1") == ["DoGet", "DoAction"]
    for i in (1, 2):
        assert counter.calls(f"EXECUTE p({i})") == ["DoGet"]
        assert counter.calls("SELECT s FROM dh.t WHERE i = ?", parameters=[i]) == ["DoGet"]
        assert counter.calls("INSERT INTO dh.t VALUES (?, 'new')", parameters=[i]) == ["DoGet"]
    counter.client.execute("PREPARE q AS INSERT INTO dh.t VALUES ($1, $2)")
    assert counter.calls("EXECUTE q(1, 'one')") == ["DoGet"]


def test_in_the_search_path(counter: Counter) -> None:
    counter.client.execute("USE dh")
    assert counter.calls("SELECT s FROM t WHERE i = 7") == ["DoGet"]
    assert counter.calls("INSERT INTO t VALUES (1, 'one')") == ["DoGet"]
    assert counter.calls("SELECT upper('no table'), 1 + 1") == []


def test_connected(counter: Counter) -> None:
    counter.client.execute("CONNECT dh")
    assert counter.calls("SELECT s FROM t WHERE i = 7") == ["DoGet"]
    assert counter.calls("INSERT INTO t VALUES (1, 'one')") == ["DoGet"]
    assert counter.calls("CREATE TABLE made AS FROM t") == ["DoGet"]


def test_a_transaction_costs_its_statements_and_its_end(counter: Counter) -> None:
    transaction = ("BEGIN", "SELECT s FROM dh.t WHERE i = 7", "INSERT INTO dh.t VALUES (1, 'one')", "COMMIT")
    assert counter.calls(*transaction) == ["DoGet", "DoGet", "DoAction"]


def test_a_transaction_that_touches_nothing_costs_nothing(counter: Counter) -> None:
    assert counter.calls("BEGIN", "FROM here", "COMMIT") == []


def test_what_the_client_joins_costs_one_more(counter: Counter) -> None:
    """The client plans such a statement itself, from a catalog that must be true."""
    join = "SELECT count(*) FROM dh.t JOIN here USING (i)"
    assert counter.calls(join) == ["DoAction", "DoGet"]
    # In a transaction, its own first answer says so
    assert counter.calls("BEGIN", "FROM dh.t LIMIT 1", join, "COMMIT") == ["DoGet", "DoGet", "DoAction"]


def test_several_results_of_one_statement(counter: Counter) -> None:
    """They share a transaction of the server, which is rolled back when the statement is over."""
    join = "SELECT count(*) FROM dh.t JOIN dh.u USING (i) JOIN here USING (i)"
    # The next statement of the session waits for the rollback, so it is counted
    assert counter.calls(join, "INSERT INTO dh.t VALUES (1, 'one')") == ["DoAction", "DoGet", "DoGet", "DoAction", "DoGet"]


RETURNING = [
    "INSERT INTO dh.t VALUES (1, 'one') RETURNING i",
    "INSERT INTO dh.t SELECT * FROM dh.u LIMIT 2 RETURNING *, i + 1",
    "UPDATE dh.t SET s = 'changed' WHERE i = 3 RETURNING upper(s) AS s",
    "UPDATE dh.t SET s = u.s FROM dh.u WHERE t.i = u.i RETURNING t.*",
    "DELETE FROM dh.t WHERE i < 4 RETURNING *",
    "MERGE INTO dh.t USING dh.u USING (i) WHEN MATCHED THEN UPDATE SET s = u.s RETURNING merge_action, *",
]


@pytest.mark.parametrize("statement", RETURNING)
def test_returning_is_one_call(counter: Counter, statement: str) -> None:
    assert counter.calls(statement) == ["DoGet"]
    assert counter.calls(statement) == ["DoGet"]
    assert counter.calls("BEGIN", statement, "COMMIT") == ["DoGet", "DoAction"]


def test_returning_with_parameters_or_in_the_search_path(counter: Counter) -> None:
    assert counter.calls("INSERT INTO dh.t VALUES (?, 'new') RETURNING *", parameters=[1]) == ["DoGet"]
    counter.client.execute("PREPARE p AS INSERT INTO dh.t VALUES ($1, 'new') RETURNING i")
    assert counter.calls("EXECUTE p(1)") == ["DoGet"]
    counter.client.execute("USE dh")
    assert counter.calls("INSERT INTO t VALUES (1, 'one') RETURNING i + 1 AS j, lower(s)") == ["DoGet"]
    counter.client.execute("USE memory")
    counter.client.execute("CONNECT dh")
    assert counter.calls("INSERT INTO t VALUES (1, 'one') RETURNING i") == ["DoGet"]


def test_returning_what_the_client_does_not_foresee_costs_one_more(counter: Counter) -> None:
    counter.calls("CREATE MACRO dh.twice(x) AS x * 2", "FROM dh.t LIMIT 1")
    assert counter.calls("INSERT INTO dh.t VALUES (1, 'one') RETURNING twice(i)") == ["DoGet", "DoGet"]
    # The catalog has changed, and this client has not heard of it
    counter.other("ALTER TABLE dh.t ADD COLUMN more INTEGER")
    assert counter.calls("INSERT INTO dh.t (i) VALUES (1) RETURNING *") == ["DoGet", "DoGet"]
    assert counter.calls("INSERT INTO dh.t (i) VALUES (1) RETURNING *") == ["DoAction", "DoGet"]
    assert counter.calls("INSERT INTO dh.t (i) VALUES (1) RETURNING *") == ["DoGet"]


def test_explain_runs_nothing(counter: Counter) -> None:
    count = "SELECT count(*) FROM dh.u"
    before = counter.client.execute(count).fetchall()
    counter.calls("EXPLAIN DELETE FROM dh.u")
    counter.calls("/* plan */ -- only\n EXPLAIN INSERT INTO dh.u VALUES (1, 'one')")
    counter.client.execute("PREPARE p AS DELETE FROM dh.u")
    counter.calls("EXPLAIN EXECUTE p")
    assert counter.client.execute(count).fetchall() == before
