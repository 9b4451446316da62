"""The server ends at each point of a change of a distributed table: after it starts again the change is there as a whole, or not at all.

`DUCKLING_CRASH_AT=<point>` ends a server at once, as a crash would, when a statement that changes a distributed table gets there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import STOP_TIMEOUT_S
from storages import Storage

#: The exit code of a server that ends at a point
CRASHED = 137
#: The one point where DuckDB has committed
COMMITTED = "after_commit"
#: Where rows go that are written, in the order in which a change gets there
WRITES = ("before_write", "after_write", "after_sync", "before_list", "after_list", "before_commit", COMMITTED)
#: Rows are written, and files without those that they replace
WRITES_AND_REWRITES = (*WRITES[:2], "after_rewrite", *WRITES[2:])
#: No rows are written but in files that are written anew: there is no `after_write`
REWRITES = ("before_write", "after_rewrite", *WRITES[2:])
VACUUM = "FROM duckherder_vacuum(older_than := INTERVAL 0 SECOND)"
#: The tables that are not distributed
NATIVE = {"n"}


@dataclass(frozen=True)
class Change:
    """Statements, of one transaction if they are several, and the points that they get to."""

    points: tuple[str, ...]
    statements: tuple[str, ...]

    def make(self, client: duckdb.DuckDBPyConnection) -> None:
        is_transaction = len(self.statements) > 1
        for statement in ("BEGIN", *self.statements, "COMMIT") if is_transaction else self.statements:
            client.execute(statement).fetchall()


CHANGES = {
    "insert": Change(WRITES, ("INSERT INTO dh.t SELECT i + 3000, 'more of ' || s FROM dh.t",)),
    "update": Change(WRITES_AND_REWRITES, ("UPDATE dh.t SET s = 'changed' WHERE i % 5 = 0",)),
    "delete": Change(REWRITES, ("DELETE FROM dh.t WHERE i % 5 = 0",)),
    "create": Change(WRITES, ("CREATE TABLE dh.c WITH (distributed = true) AS SELECT i, s FROM dh.t WHERE i % 2 = 0",)),
    "compact": Change(WRITES, ("FROM duckherder_compact('dh.t')",)),
    "transaction": Change(
        WRITES,
        (
            "INSERT INTO dh.n SELECT i + 1000 FROM dh.u",
            "INSERT INTO dh.t SELECT i + 3000, 'more of ' || s FROM dh.t",
            "INSERT INTO dh.u SELECT i + 1000 FROM dh.u",
        ),
    ),
}


def crashes() -> Iterator:
    """Every change at every point that it gets to."""
    for name, change in CHANGES.items():
        for point in change.points:
            yield pytest.param(change, point, id=f"{name}-{point}")


def create_tables(client: duckdb.DuckDBPyConnection) -> None:
    """`dh.t` and `dh.u` are distributed, with three files and one, and `dh.n` is native."""
    client.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR) WITH (distributed = true)")
    for first in (0, 1000, 2000):
        client.execute(f"INSERT INTO dh.t SELECT range, 'row ' || range FROM dh.range({first}, {first + 1000})")
    client.execute("CREATE TABLE dh.u WITH (distributed = true) AS SELECT range::INTEGER AS i FROM dh.range(100)")
    client.execute("CREATE TABLE dh.n AS SELECT 1 AS i")


def tables(client: duckdb.DuckDBPyConnection) -> list[str]:
    query = "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'dh' AND schema_name = 'main' ORDER BY ALL"
    return [name for (name,) in client.execute(query).fetchall()]


def state(client: duckdb.DuckDBPyConnection) -> tuple[dict[str, list], list]:
    """All that there is: the tables, their rows, and how many of them each file has."""
    rows = {table: client.execute(f"FROM dh.{table} ORDER BY ALL").fetchall() for table in tables(client)}
    return rows, client.execute("SELECT row_count FROM dh.duckherder.files ORDER BY ALL").fetchall()


def state_with(client: duckdb.DuckDBPyConnection, change: Change) -> tuple[dict[str, list], list]:
    """What there would be if the change was made, which it is not."""
    client.execute("BEGIN")
    for statement in change.statements:
        client.execute(statement).fetchall()
    result = state(client)
    client.execute("ROLLBACK")
    return result


def files_on(storage: Storage) -> set[Path]:
    """All files, whatever they are called."""
    return {path for path in storage.folder.rglob("*") if path.is_file()}


def listed_files(client: duckdb.DuckDBPyConnection) -> set[Path]:
    distributed = (table for table in tables(client) if table not in NATIVE)
    queries = [f"SELECT path FROM duckherder_table_files('dh.{table}')" for table in distributed]
    return {Path(path) for (path,) in client.execute(" UNION ALL ".join(queries)).fetchall()}


@pytest.mark.parametrize(("change", "point"), crashes())
def test_a_change_is_there_as_a_whole_or_not_at_all(storage: Storage, change: Change, point: str) -> None:
    """The client hears that its change may not be there; nothing else is lost, and files that nobody lists can be removed."""
    with storage.client() as client:
        create_tables(client)
        before, after = state(client), state_with(client, change)
    assert before != after
    assert storage.server.stop() == 0
    files = files_on(storage)

    storage.begin(environment={"DUCKLING_CRASH_AT": point})
    with storage.client() as client, pytest.raises(duckdb.Error, match="(?i)lost the connection|is lost") as failure:
        change.make(client)
    assert storage.server.process.wait(STOP_TIMEOUT_S) == CRASHED
    is_committed = point == COMMITTED
    assert not is_committed or "unknown" in str(failure.value), failure.value
    written = files_on(storage) - files
    # A DELETE writes files without the rows that go when it lists them
    writes_nothing_before = point == "before_write" or (change is CHANGES["delete"] and point == "before_list")
    assert bool(written) != writes_nothing_before, written

    storage.begin()
    client = storage.client()
    assert state(client) == (after if is_committed else before)
    assert client.execute("FROM duckherder_check() WHERE NOT is_whole").fetchall() == []
    storage.check_list(client)
    if not is_committed:
        change.make(client)
        assert state(client) == after
    assert client.execute("INSERT INTO dh.t VALUES (-1, 'again')").fetchone() == (1,)
    assert client.execute("DELETE FROM dh.t WHERE i = -1").fetchone() == (1,)
    for _ in range(2):
        client.execute(VACUUM).fetchall()
    assert files_on(storage) == listed_files(client)
    assert state(client) == after
