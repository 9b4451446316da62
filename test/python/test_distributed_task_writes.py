"""Workers write what a statement adds to a distributed table, each its own rows, and the driver lists their files."""

import threading

import duckdb
import pytest
from storages import Storage

WORKERS = 3
ROWS = 60_000
FILES = 6
COLUMNS = (
    "i BIGINT, g INTEGER, h HUGEINT, e ENUM('x', 'y'), d DECIMAL(18, 3), f DOUBLE, s VARCHAR, t TIMESTAMPTZ, v INTERVAL,"
    " b BLOB, l INTEGER[], r STRUCT(a INTEGER, b VARCHAR), m MAP(VARCHAR, INTEGER), u UNION(n INTEGER, w VARCHAR), a INTEGER[2]"
)
#: Of a row of `read_parquet` with `i` and `g`
VALUES = (
    "i, g, i::HUGEINT * 10000000000000000000, (['x', 'y', NULL][i % 3 + 1])::ENUM('x', 'y'), i / 8, CASE i % 5 WHEN 0 THEN 'NaN'::DOUBLE ELSE i / 7 END,"
    " 'row ' || i, to_timestamp(i * 1000), to_days(g) + to_microseconds(i), encode('ä' || i), [i, NULL, g], {'a': g, 'b': 'x' || g},"
    " MAP {'k': g}, CASE WHEN i % 2 = 0 THEN union_value(n := g) ELSE NULL END, [g, i % 100]"
)


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    """Whose server has workers, and files that all of them read."""
    connection = storage.client()
    storage.work_with(WORKERS, connection)
    for number in range(FILES):
        rows = f"SELECT range AS i, (range % 10)::INTEGER AS g FROM range({number * ROWS // FILES}, {(number + 1) * ROWS // FILES})"
        connection.execute(f"COPY ({rows}) TO '{storage.folder.parent}/source{number}.parquet'")
    connection.execute(f"CREATE VIEW dh.source AS FROM read_parquet('{storage.folder.parent}/source*.parquet')")
    connection.execute("SET duckherder_distribution = 'force'")
    return connection


def plan(client: duckdb.DuckDBPyConnection, statement: str) -> str:
    return "".join(row[1] for row in client.execute(f"EXPLAIN {statement}").fetchall())


def row_counts(client: duckdb.DuckDBPyConnection) -> list[int]:
    return [row[0] for row in client.execute("SELECT row_count FROM duckherder_table_files('dh.d')").fetchall()]


def check(client: duckdb.DuckDBPyConnection, rows: str) -> None:
    """The table has the rows that one DuckDB makes of the files."""
    client.execute("SET duckherder_distribution = 'off'")
    expected = client.execute(f"{rows} ORDER BY ALL").fetchall()
    for distribution in ("off", "force"):
        client.execute(f"SET duckherder_distribution = '{distribution}'")
        assert repr(client.execute("FROM dh.d ORDER BY ALL").fetchall()) == repr(expected)


@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (g)", "PARTITIONED BY (bucket(4, i), e) SORTED BY (s)", "SORTED BY (i)"])
@pytest.mark.parametrize("how", ["INSERT", "CREATE"])
def test_workers_write(storage: Storage, client: duckdb.DuckDBPyConnection, layout: str, how: str) -> None:
    rows = f"SELECT {VALUES} FROM dh.source"
    client.execute(f"CREATE TEMP TABLE expected ({COLUMNS})")
    if how == "INSERT":
        client.execute(f"CREATE TABLE dh.d ({COLUMNS}) {layout} WITH (distributed = true)")
        statement = f"INSERT INTO dh.d {rows}"
    else:
        described = [row[:2] for row in client.execute("DESCRIBE expected").fetchall()]
        columns = ", ".join(f"c{number}::{of_type} AS {name}" for number, (name, of_type) in enumerate(described))
        given = ", ".join(f"c{number}" for number in range(len(described)))
        statement = f"CREATE TABLE dh.d {layout} WITH (distributed = true) AS SELECT {columns} FROM ({rows}) x({given})"
    assert "COPY (" in plan(client, statement)
    client.execute(statement)
    counts = row_counts(client)
    assert sum(counts) == ROWS
    assert len(counts) >= WORKERS
    client.execute("SET duckherder_distribution = 'off'")
    client.execute(f"INSERT INTO expected {rows}")
    check(client, "FROM expected")
    storage.check_list(client)
    assert client.execute("SELECT count(*) FROM duckherder_check('dh.d') WHERE NOT is_whole").fetchone() == (0,)


def test_counts_defaults_and_column_lists(client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.d (a INTEGER DEFAULT 7, i BIGINT, s VARCHAR) WITH (distributed = true)")
    assert client.execute("INSERT INTO dh.d (s, i) SELECT 'g' || g, i FROM dh.source WHERE i % 2 = 0").fetchone() == (ROWS // 2,)
    check(client, "SELECT 7, i, 'g' || g FROM dh.source WHERE i % 2 = 0")
    assert client.execute("INSERT INTO dh.d SELECT g, sum(i), NULL FROM dh.source GROUP BY g").fetchone() == (10,)
    assert client.execute("SELECT count(*), sum(i) FROM dh.d WHERE s IS NULL").fetchone() == (10, ROWS * (ROWS - 1) // 2)
    before = row_counts(client)
    assert client.execute("INSERT INTO dh.d SELECT g, i, '' FROM dh.source WHERE i < 0").fetchone() == (0,)
    assert row_counts(client) == before, "nothing is listed without rows"


def test_transactions(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    other = storage.client()
    client.execute("CREATE TABLE dh.d (i BIGINT, g INTEGER) WITH (distributed = true)")
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.d FROM dh.source")
    client.execute("INSERT INTO dh.d FROM dh.source")
    assert client.execute("SELECT count(*) FROM dh.d").fetchone() == (2 * ROWS,)
    assert other.execute("SELECT count(*) FROM dh.d").fetchone() == (0,)
    client.execute("ROLLBACK")
    assert client.execute("SELECT count(*) FROM dh.d").fetchone() == (0,)
    client.execute("BEGIN")
    client.execute("CREATE TABLE dh.e WITH (distributed = true) AS FROM dh.source")
    client.execute("INSERT INTO dh.d FROM dh.e")
    client.execute("COMMIT")
    assert other.execute("SELECT (SELECT sum(i) FROM dh.d) = (SELECT sum(i) FROM dh.e)").fetchone() == (True,)
    with pytest.raises(duckdb.CatalogException, match="already exists"):
        client.execute("CREATE TABLE dh.e WITH (distributed = true) AS FROM dh.source")
    client.execute("CREATE TABLE IF NOT EXISTS dh.e WITH (distributed = true) AS SELECT 1 AS i FROM dh.source")
    client.execute("CREATE OR REPLACE TABLE dh.e WITH (distributed = true) AS SELECT g FROM dh.source WHERE g < 3")
    assert client.execute("SELECT count(*), max(g) FROM dh.e").fetchone() == (ROWS * 3 // 10, 2)


def test_constraints(client: duckdb.DuckDBPyConnection) -> None:
    """NOT NULL is told by files, CHECK looks at each row on the driver; the errors are those of a native table."""
    client.execute("CREATE TABLE dh.d (i BIGINT NOT NULL, g INTEGER) WITH (distributed = true)")
    client.execute("CREATE TABLE dh.n (i BIGINT NOT NULL, g INTEGER)")
    insert = "INSERT INTO dh.{} SELECT CASE WHEN i <> 777 THEN i END, g FROM dh.source"
    assert "COPY (" in plan(client, insert.format("d"))
    errors = []
    for name in "dn":
        with pytest.raises(duckdb.ConstraintException) as error:
            client.execute(insert.format(name))
        errors.append(str(error.value).replace("d.i", "n.i"))
    assert errors[0] == errors[1]
    assert row_counts(client) == []
    client.execute("INSERT INTO dh.d FROM dh.source")
    assert sum(row_counts(client)) == ROWS
    client.execute("CREATE OR REPLACE TABLE dh.d (i BIGINT, g INTEGER CHECK (g < 9)) WITH (distributed = true)")
    assert "COPY (" not in plan(client, "INSERT INTO dh.d FROM dh.source")
    with pytest.raises(duckdb.ConstraintException, match="CHECK"):
        client.execute("INSERT INTO dh.d FROM dh.source")
    client.execute("INSERT INTO dh.d FROM dh.source WHERE g < 9")
    assert sum(row_counts(client)) == ROWS * 9 // 10


def test_what_only_one_can_write(client: duckdb.DuckDBPyConnection) -> None:
    """An order, a number of rows, RETURNING and native tables are the driver's."""
    client.execute("CREATE TABLE dh.d (i BIGINT, g INTEGER) WITH (distributed = true)")
    for statement in (
        "INSERT INTO dh.d FROM dh.source ORDER BY i DESC",
        "INSERT INTO dh.d FROM dh.source LIMIT 100",
        "INSERT INTO dh.d SELECT i, (random() * 10)::INTEGER FROM dh.source",
        "CREATE TABLE dh.n AS FROM dh.source",
    ):
        assert "COPY (" not in plan(client, statement)
    client.execute("INSERT INTO dh.d FROM dh.source ORDER BY g DESC, i LIMIT 3")
    client.execute("SET duckherder_distribution = 'off'")
    assert client.execute("FROM dh.d").fetchall() == [(9, 9), (19, 9), (29, 9)]
    client.execute("SET duckherder_distribution = 'force'")
    assert len(client.execute("INSERT INTO dh.d FROM dh.source RETURNING i").fetchall()) == ROWS


def test_a_worker_that_is_killed_while_it_writes(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    """The statement fails and leaves no rows, or has written all."""
    client.execute("CREATE TABLE dh.d (i BIGINT, s VARCHAR) WITH (distributed = true)")
    outcomes = []
    for round_number in range(4):
        timer = threading.Timer(0.1 + 0.15 * round_number, storage.workers["w1"].kill)
        timer.start()
        try:
            client.execute("INSERT INTO dh.d SELECT i + range, repeat('x', (i % 50)::INTEGER) || range FROM dh.source, range(30)")
            outcomes.append("made")
        except duckdb.Error as error:
            outcomes.append("failed")
            assert "w1" in str(error) or "worker" in str(error).lower(), error
        timer.join()
        expected = outcomes.count("made") * ROWS * 30
        assert client.execute("SELECT count(*) FROM dh.d").fetchone() == (expected,)
        storage.work("w1")
        storage.wait_for_workers(client)
    storage.check_list(client)
    # What failed has left files that nobody lists
    client.execute("FROM duckherder_vacuum(older_than := INTERVAL 0 SECOND)").fetchall()
    client.execute("FROM duckherder_vacuum(older_than := INTERVAL 0 SECOND)").fetchall()
    assert len(storage.files()) == len(row_counts(client))
