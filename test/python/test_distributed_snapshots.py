"""Older versions of distributed tables: which are kept, and how they are read."""

import datetime

import duckdb
import pytest
from storages import Storage


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    """`dh.t` has four versions: 10 rows, 20 rows, 10 of them negative, and 5 rows less."""
    connection = storage.client()
    connection.execute("CREATE TABLE dh.t WITH (distributed = true) AS SELECT range::INTEGER AS i FROM dh.range(10)")
    connection.execute("INSERT INTO dh.t SELECT range FROM dh.range(10, 20)")
    connection.execute("UPDATE dh.t SET i = -i WHERE i >= 10")
    connection.execute("DELETE FROM dh.t WHERE i IN (0, 1, 2, 3, 4)")
    return connection


SUMS = {1: (10, 45), 2: (20, 190), 3: (20, -100), 4: (15, -110)}


def sums(client: duckdb.DuckDBPyConnection, at: str = "") -> tuple[int, int]:
    return client.execute(f"SELECT count(*), sum(i) FROM dh.t {at}").fetchone()


def versions(client: duckdb.DuckDBPyConnection, table: str = "dh.t") -> list[tuple[int, int]]:
    return client.execute(f"SELECT version, row_count FROM duckherder_snapshots('{table}')").fetchall()


def test_each_version_is_what_the_table_was(client: duckdb.DuckDBPyConnection) -> None:
    assert versions(client) == [(version, rows) for version, (rows, _) in SUMS.items()]
    for version, expected in SUMS.items():
        assert sums(client, f"AT (VERSION => {version})") == expected
        committed = client.execute(f"SELECT committed_at FROM duckherder_snapshots('dh.t') WHERE version = {version}").fetchone()[0]
        assert isinstance(committed, datetime.datetime)
        assert sums(client, f"AT (TIMESTAMP => TIMESTAMPTZ '{committed.isoformat()}')") == expected
    assert sums(client, "AT (TIMESTAMP => now())") == SUMS[4]
    assert sums(client) == SUMS[4]
    files, rows, size = client.execute(
        "SELECT file_count, row_count, file_size_bytes FROM duckherder_snapshots('dh.t') ORDER BY version DESC LIMIT 1"
    ).fetchone()
    now = "SELECT count(*), sum(row_count), sum(file_size_bytes) FROM duckherder_table_files('dh.t')"
    assert (files, rows, size) == client.execute(now).fetchone()


def test_versions_in_larger_queries(client: duckdb.DuckDBPyConnection) -> None:
    changed = "SELECT count(*) FROM (SELECT i FROM dh.t AT (VERSION => 2) EXCEPT SELECT i FROM dh.t)"
    assert client.execute(changed).fetchone() == (15,)
    client.execute("CREATE TEMP TABLE here AS SELECT 12 AS i")
    joined = "SELECT t.i FROM dh.t t AT (VERSION => 2) JOIN here USING (i)"
    assert client.execute(joined).fetchall() == [(12,)]
    plan = client.execute(f"EXPLAIN {joined}").fetchall()[0][1]
    assert "at (version => 2)" in plan.lower(), plan
    client.execute("CREATE VIEW dh.before AS FROM dh.t AT (VERSION => 1)")
    assert client.execute("SELECT count(*) FROM dh.before").fetchone() == (10,)
    client.execute("CREATE TABLE dh.restored WITH (distributed = true) AS FROM dh.t AT (VERSION => 3)")
    assert client.execute("SELECT sum(i) FROM dh.restored").fetchone() == (-100,)
    client.execute("INSERT INTO dh.t FROM dh.t AT (VERSION => 1)")
    assert sums(client) == (25, -65)
    client.execute("MERGE INTO dh.t USING (FROM dh.t AT (VERSION => 1)) old USING (i) WHEN MATCHED THEN DELETE")
    assert sums(client) == (10, -145)


def test_the_clause_is_bound_by_the_client(client: duckdb.DuckDBPyConnection) -> None:
    """It knows its parameters, variables and macros."""
    assert client.execute("SELECT sum(i) FROM dh.t AT (VERSION => ?)", [2]).fetchone() == (190,)
    client.execute("PREPARE p AS SELECT sum(i) FROM dh.t AT (VERSION => $1)")
    assert client.execute("EXECUTE p(1)").fetchone() == (45,)
    assert client.execute("EXECUTE p(3)").fetchone() == (-100,)
    client.execute("SET VARIABLE v = 2")
    client.execute("CREATE MACRO one() AS 1")
    assert sums(client, "AT (VERSION => getvariable('v') + one())") == SUMS[3]
    assert sums(client, "AT (TIMESTAMP => now() + INTERVAL 1 HOUR)") == SUMS[4]


def test_two_versions_are_not_taken_for_one_table(client: duckdb.DuckDBPyConnection) -> None:
    """DuckDB uses one aggregate for another one of the same table, as in TPC-H's Q18."""
    client.execute("CREATE TABLE here AS SELECT range::INTEGER AS k FROM range(20)")
    client.execute("CREATE TABLE dh.q WITH (distributed = true) AS SELECT range::INTEGER AS i, 1 AS n FROM dh.range(20)")
    client.execute("UPDATE dh.q SET n = 100")
    client.execute("CREATE VIEW large AS SELECT i FROM dh.q GROUP BY i HAVING sum(n) > 0")
    query = "SELECT k, sum(n) FROM here JOIN dh.q{} ON k = i WHERE k IN (FROM large) GROUP BY k ORDER BY k"
    assert client.execute(query.format(" AT (VERSION => 1)")).fetchall() == [(i, 1) for i in range(20)]
    assert client.execute(query.format("")).fetchall() == [(i, 100) for i in range(20)]


def test_a_transaction_sees_versions_of_others_only(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1000)")
    client.execute("DELETE FROM dh.t WHERE i < 0")
    assert sums(client) == (6, 1035)
    assert sums(client, "AT (VERSION => 4)") == SUMS[4]
    assert [version for version, _ in versions(client)] == [1, 2, 3, 4]
    other = storage.client()
    other.execute("CREATE TABLE dh.other WITH (distributed = true) AS SELECT 1 AS i")
    other.execute("INSERT INTO dh.t VALUES (7)")
    assert versions(other)[-1] == (5, 16)
    assert [version for version, _ in versions(client)] == [1, 2, 3, 4]
    client.execute("COMMIT")
    assert versions(client)[-2:] == [(5, 16), (6, 7)]
    assert sums(client, "AT (VERSION => 5)") == (16, -103)
    assert versions(client, "dh.other") == [(1, 1)]
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    client.execute("ROLLBACK")
    assert versions(client)[-1][0] == 6


def test_compaction_is_a_version(client: duckdb.DuckDBPyConnection) -> None:
    client.execute("FROM duckherder_compact('dh.t')").fetchall()
    assert versions(client)[-1] == (5, 15)
    for version, expected in {**SUMS, 5: SUMS[4]}.items():
        assert sums(client, f"AT (VERSION => {version})") == expected
    client.execute("FROM duckherder_compact('dh.t')").fetchall()
    assert versions(client)[-1] == (5, 15), "nothing was changed"


def test_a_definition_that_changes(client: duckdb.DuckDBPyConnection) -> None:
    client.execute("ALTER TABLE dh.t ADD COLUMN s VARCHAR DEFAULT 'x'")
    client.execute("ALTER TABLE dh.t RENAME i TO j")
    assert client.execute("SELECT sum(j), min(s) FROM dh.t AT (VERSION => 2)").fetchone() == (190, "x")
    client.execute("ALTER TABLE dh.t ALTER j TYPE BIGINT")
    # The files of older versions have a column of another type
    assert [version for version, _ in versions(client)] == [5]
    with pytest.raises(duckdb.InvalidInputException, match="has no version 2"):
        client.execute("FROM dh.t AT (VERSION => 2)")
    assert client.execute("SELECT sum(j) FROM dh.t AT (VERSION => 5)").fetchone() == (-110,)
    client.execute("CREATE OR REPLACE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    assert versions(client) == []
    client.execute("ALTER TABLE dh.t ALTER i TYPE BIGINT")
    assert versions(client) == [(1, 0)]


def test_vacuum_forgets_old_versions(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    assert client.execute("SELECT count(*) FROM duckherder_vacuum()").fetchone() == (0,), "too young"
    assert len(versions(client)) == len(SUMS)
    reader = storage.client()
    reader.execute("BEGIN")
    assert sums(reader, "AT (VERSION => 2)") == SUMS[2]
    vacuum = "SELECT count(*) FROM duckherder_vacuum({}older_than := INTERVAL 0 SECOND)"
    assert client.execute(vacuum.format("'dh.t', ")).fetchone() == (0,), "the reader may still read them"
    assert versions(client) == [(4, 15)]
    assert sums(reader, "AT (VERSION => 2)") == SUMS[2]
    reader.execute("COMMIT")
    assert client.execute(vacuum.format("")).fetchone()[0] > 0
    assert sums(client, "AT (VERSION => 4)") == SUMS[4]
    for gone in ("VERSION => 2", "TIMESTAMP => TIMESTAMP '2001-01-01'"):
        with pytest.raises(duckdb.InvalidInputException, match="duckherder_snapshots"):
            client.execute(f"FROM dh.t AT ({gone})")
    listed = client.execute("SELECT count(*) FROM duckherder_table_files('dh.t')").fetchone()
    assert (len(storage.files()),) == listed


@pytest.mark.parametrize("crash", [False, True])
def test_versions_outlive_the_server(storage: Storage, client: duckdb.DuckDBPyConnection, crash: bool) -> None:
    if crash:
        storage.server.kill()
    else:
        storage.server.stop()
    storage.begin()
    again = storage.client()
    for version, expected in SUMS.items():
        assert sums(again, f"AT (VERSION => {version})") == expected
    again.execute("INSERT INTO dh.t VALUES (0)")
    assert versions(again)[-1] == (5, 16)


def test_workers_read_versions(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    for name in ("w1", "w2"):
        storage.work(name)
    storage.wait_for_workers(client)
    client.execute("SET duckherder_distribution = 'force'")
    for version, expected in SUMS.items():
        assert sums(client, f"AT (VERSION => {version})") == expected


def test_what_has_no_versions(client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.native AS SELECT 1 AS i")
    for query, error, message in (
        ("FROM dh.native AT (VERSION => 1)", duckdb.BinderException, 'Table "native" is a native one'),
        ("FROM dh.t AT (VERSION => 9)", duckdb.InvalidInputException, 'Table "t" has no version 9'),
        ("FROM dh.t AT (VERSION => 'x')", duckdb.BinderException, "BIGINT"),
        ("FROM dh.t AT (VERSION => NULL)", duckdb.BinderException, "BIGINT"),
        ("FROM duckherder_snapshots('dh.native')", duckdb.InvalidInputException, "no distributed table"),
    ):
        with pytest.raises(error, match=message):
            client.execute(query)
