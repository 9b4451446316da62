"""Random tables travel to the server and back, by every way there is, and arrive as they were.

`make types-test TABLES=2000` sends more of them. A failure names the seed of its table: DUCKHERDER_TYPE_SEED=SEED with one
table repeats it.
"""

import os
import random
from collections.abc import Iterator

import duckdb
import pytest
from random_tables import Table, literals, random_table
from storages import Storage

TABLES = int(os.environ.get("DUCKHERDER_TYPE_TABLES", "100"))
SEED = int(os.environ.get("DUCKHERDER_TYPE_SEED", "1"))


def same(table: Table, left: str, right: str) -> str:
    """A condition on two relations that holds rows to be the same to the bit: text tells -0.0 from 0, a month from 30 days."""
    conditions = ["true"]
    for i, kind in enumerate(table.types):
        a, b = f"{left}.c{i}", f"{right}.c{i}"
        conditions += [f"typeof({a}) = typeof({b})", f"{a}::VARCHAR IS NOT DISTINCT FROM {b}::VARCHAR"]
        if kind.sql != "JSON":
            conditions.append(f"{a} IS NOT DISTINCT FROM {b}")
        if kind.sql == "VARIANT":
            conditions.append(f"variant_typeof({a}) IS NOT DISTINCT FROM variant_typeof({b})")
        if kind.sql.startswith("UNION") and not kind.sql.endswith("]"):
            conditions.append(f"union_tag({a}) IS NOT DISTINCT FROM union_tag({b})")
    return " AND ".join(conditions)


def ways(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[tuple[str, str]]:
    """Send the local table `here` by each way, and name it with a query of what arrived where it can be compared."""
    run = connection.execute
    run("CREATE OR REPLACE TABLE dh.sent AS FROM here")
    run("CREATE OR REPLACE TABLE back AS FROM dh.sent")
    yield "CREATE TABLE AS there and back", "back"
    run("CREATE OR REPLACE TABLE back AS SELECT sent.* FROM dh.sent JOIN (FROM range(1)) ON true")
    yield "a scan of the client", "back"
    run(f"CREATE OR REPLACE TABLE dh.inserted ({table.columns()})")
    run("INSERT INTO dh.inserted FROM here")
    run("CREATE OR REPLACE TABLE back AS FROM dh.inserted")
    yield "INSERT", "back"
    run(f"CREATE OR REPLACE TABLE dh.made AS {table.query()}")
    run("CREATE OR REPLACE TABLE back AS FROM dh.made")
    yield "computed on the server", "back"


def differences(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """What does not arrive as it was."""
    found = []
    rows = len(table.rows) * table.repeat
    try:
        connection.execute(f"CREATE OR REPLACE TABLE here AS {table.query()}")
        for way, arrived in ways(connection, table):
            condition = same(table, "here", arrived)
            query = f"SELECT count(*) FILTER (WHERE {condition}) FROM here JOIN {arrived} USING (n)"
            (count,) = connection.execute(query).fetchone()
            (total,) = connection.execute(f"SELECT count(*) FROM {arrived}").fetchone()
            if (count, total) != (rows, rows):
                found.append(f"{way}: {count} of {rows} rows are the same, {total} arrived")
        found += parameter_differences(connection, table)
    except duckdb.Error as error:
        found.append(f"{type(error).__name__}: {str(error)[:1000]}")
    return found


def parameter_differences(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """Values of the first row as parameters of a statement that runs on the server, and as constants of a scan's condition."""
    found = []
    for i, kind in enumerate(table.types if table.rows else []):
        value = table.rows[0][i]
        equal = f"AND c{i} IS NOT DISTINCT FROM $1" if kind.sql != "JSON" else ""
        connection.execute(
            f"PREPARE p AS SELECT typeof($1) = typeof(c{i}) AND c{i}::VARCHAR IS NOT DISTINCT FROM $1::VARCHAR {equal}"
            " FROM dh.sent WHERE n = 0"
        )
        if connection.execute(f"EXECUTE p({value})").fetchall() != [(True,)]:
            found.append(f"c{i} as a parameter is another value")
        connection.execute("DEALLOCATE p")
        if kind.plain and not value.startswith("NULL"):
            scan = f"SELECT count(*) > 0 FROM dh.sent JOIN here USING (n) WHERE n = 0 AND sent.c{i} = {value}"
            local = f"SELECT count(*) > 0 FROM here WHERE n = 0 AND c{i} = {value}"
            if connection.execute(scan).fetchone() != connection.execute(local).fetchone():
                found.append(f"c{i} as a condition is another value")
    return found


def smallest(connection: duckdb.DuckDBPyConnection, table: Table) -> Table:
    """A table of one column, and of one row if that is enough, that still fails."""
    candidates = [Table([kind], [[row[i]] for row in table.rows], table.repeat) for i, kind in enumerate(table.types)]
    candidates = [candidate for candidate in candidates if differences(connection, candidate)] or [table]
    rows = [Table(candidate.types, [row]) for candidate in candidates for row in candidate.rows]
    return next((candidate for candidate in rows if differences(connection, candidate)), candidates[0])


@pytest.fixture(params=["native", "distributed"])
def client(request: pytest.FixtureRequest) -> duckdb.DuckDBPyConnection:
    """Whose tables on `dh` are of a kind."""
    if request.param == "native":
        return request.getfixturevalue("attached")
    storage: Storage = request.getfixturevalue("storage")
    storage.server.stop()
    storage.begin("--default-table-kind", "distributed")
    return storage.client()


def test_random_tables_arrive_as_they_were(client: duckdb.DuckDBPyConnection) -> None:
    failures = []
    for seed in range(SEED, SEED + TABLES):
        table = random_table(random.Random(seed))
        if not differences(client, table):
            continue
        small = smallest(client, table)
        reasons = "\n  ".join(differences(client, small))
        failures.append(f"seed {seed}:\n  {small.query()[:2000]} (x {small.repeat})\n  {reasons}")
        if len(failures) >= 5:
            break
    assert not failures, "\n".join(failures)


def test_a_table_that_changed_on_its_way_is_seen(attached: duckdb.DuckDBPyConnection) -> None:
    kind = literals("DOUBLE", "0", "-0.0")
    table = Table([kind], [["'0'::DOUBLE"]])
    assert differences(attached, table) == []
    attached.execute("CREATE OR REPLACE TABLE back AS SELECT n, '-0.0'::DOUBLE AS c0 FROM here")
    query = f"SELECT count(*) FILTER (WHERE {same(table, 'here', 'back')}) FROM here JOIN back USING (n)"
    assert attached.execute(query).fetchone() == (0,)
