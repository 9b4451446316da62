"""Distributed tables: files on a storage, listed in the database, in the user's transactions."""

import os
import random
import re
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from random_tables import random_table
from storages import Storage
from test_types_property import same

LISTED = "SELECT count(*), sum(row_count) FROM dh.duckherder.files"


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    return storage.client()


def test_rows_go_to_files_and_come_back(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR DEFAULT 'none') WITH (distributed = true)")
    assert client.execute("FROM dh.t").fetchall() == []
    assert client.execute("INSERT INTO dh.t VALUES (1, 'one'), (2, NULL)").fetchone() == (2,)
    assert client.execute("INSERT INTO dh.t (i) SELECT range FROM dh.range(3, 6)").fetchone() == (3,)
    rows = [(1, "one"), (2, None), (3, "none"), (4, "none"), (5, "none")]
    assert client.execute("FROM dh.t ORDER BY i").fetchall() == rows
    assert client.execute("SELECT count(*), sum(i) FILTER (i > 2) FROM dh.t").fetchone() == (5, 12)
    assert client.execute("SELECT count(*) FROM dh.t WHERE s = 'none'").fetchone() == (3,)
    assert client.execute("SELECT s FROM dh.t WHERE i IN (SELECT min(i) FROM dh.t)").fetchall() == [("one",)]
    lateral = "SELECT a.i, (SELECT count(*) FROM dh.t b WHERE b.i < a.i) FROM dh.t a ORDER BY 1"
    assert client.execute(lateral).fetchall() == [(i, i - 1) for i in range(1, 6)]
    assert client.execute(LISTED).fetchone() == (2, 5)
    assert sorted(row for file in storage.files() for row in pyarrow.parquet.read_table(file)["i"].to_pylist()) == [
        1,
        2,
        3,
        4,
        5,
    ]
    for disabled in ("SET enable_optimizer = false", "SET enable_optimizer = true"):
        client.execute(f"CALL duckherder_query('dh', '{disabled}')")
        assert client.execute("FROM dh.t ORDER BY i").fetchall() == rows


def test_a_name_used_again_has_no_old_rows(client: duckdb.DuckDBPyConnection) -> None:
    for round_ in range(2):
        client.execute("CREATE OR REPLACE TABLE dh.t (i INTEGER) WITH (distributed = true)")
        client.execute(f"INSERT INTO dh.t VALUES ({round_})")
        assert client.execute("FROM dh.t").fetchall() == [(round_,)]
    client.execute("DROP TABLE dh.t")
    client.execute("CREATE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    assert client.execute("FROM dh.t").fetchall() == []


def test_create_table_as(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.t WITH (distributed = true) AS SELECT range AS i, -range AS n FROM dh.range(300000)")
    assert client.execute("SELECT count(*), sum(i), min(n) FROM dh.t").fetchone() == (300000, 44999850000, -299999)
    assert client.execute("SELECT i FROM dh.t LIMIT 3 OFFSET 200000").fetchall() == [(200000,), (200001,), (200002,)]
    client.execute("CREATE TABLE here AS SELECT range AS i FROM range(10)")
    client.execute("CREATE TABLE dh.sent WITH (distributed = true) AS FROM here")
    client.execute("INSERT INTO dh.sent FROM here")
    assert client.execute("SELECT count(*), sum(i) FROM dh.sent").fetchone() == (20, 90)
    assert client.execute(LISTED).fetchone() == (3, 300020)
    client.execute("CREATE TABLE IF NOT EXISTS dh.t WITH (distributed = true) AS SELECT 1 AS i")
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (300000,)
    before = storage.files()
    with pytest.raises(duckdb.ConversionException):
        client.execute("CREATE TABLE dh.bad WITH (distributed = true) AS SELECT 'x'::INTEGER AS i FROM range(10)")
    with pytest.raises(duckdb.CatalogException, match="already exists"):
        client.execute("CREATE TABLE dh.t WITH (distributed = true) AS SELECT 1 AS i")
    assert client.execute(LISTED).fetchone() == (3, 300020)
    assert len(storage.files()) <= len(before) + 1


def test_transactions(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    other = storage.client()
    client.execute("CREATE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    client.execute("CREATE TABLE dh.native (i INTEGER)")
    client.execute("INSERT INTO dh.t VALUES (1)")
    other.execute("BEGIN")
    assert other.execute("SELECT sum(i) FROM dh.t").fetchone() == (1,)
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (10)")
    client.execute("INSERT INTO dh.native FROM dh.t")
    assert client.execute("SELECT sum(i) FROM dh.t").fetchone() == (11,), "own changes"
    client.execute("COMMIT")
    assert other.execute("SELECT sum(i) FROM dh.t").fetchone() == (1,), "the snapshot of its transaction"
    other.execute("COMMIT")
    assert other.execute("SELECT sum(i) FROM dh.t").fetchone() == (11,)
    assert other.execute("SELECT sum(i) FROM dh.native").fetchone() == (11,)
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (100)")
    client.execute("CREATE TABLE dh.u WITH (distributed = true) AS SELECT 5 AS i")
    client.execute("ROLLBACK")
    assert client.execute("SELECT sum(i) FROM dh.t").fetchone() == (11,)
    with pytest.raises(duckdb.CatalogException):
        client.execute("FROM dh.u")
    client.execute("BEGIN")
    client.execute("DROP TABLE dh.t")
    client.execute("ROLLBACK")
    assert client.execute("SELECT sum(i) FROM dh.t").fetchone() == (11,)


def test_two_writers_append(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    other = storage.client()
    client.execute("CREATE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    for connection, value in ((client, 1), (other, 2)):
        connection.execute("BEGIN")
        connection.execute(f"INSERT INTO dh.t VALUES ({value})")
    client.execute("COMMIT")
    other.execute("COMMIT")
    assert client.execute("FROM dh.t ORDER BY i").fetchall() == [(1,), (2,)]


@pytest.mark.parametrize("crash", [False, True])
def test_restart(storage: Storage, client: duckdb.DuckDBPyConnection, crash: bool) -> None:
    client.execute("CREATE TABLE dh.t (i INTEGER NOT NULL, h HUGEINT) WITH (distributed = true)")
    client.execute("INSERT INTO dh.t VALUES (1, 170141183460469231731687303715884105727)")
    client.execute("ALTER TABLE dh.t ALTER h SET DEFAULT 7")
    client.execute("COMMENT ON TABLE dh.t IS 'kept'")
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (2, 2)")
    if crash:
        storage.server.kill()
    else:
        assert storage.server.stop() == 0
    storage.begin()
    again = storage.client()
    assert again.execute("FROM dh.t").fetchall() == [(1, 170141183460469231731687303715884105727)]
    again.execute("INSERT INTO dh.t (i) VALUES (3)")
    assert again.execute("SELECT i, h FROM dh.t WHERE i = 3").fetchall() == [(3, 7)]
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
        again.execute("INSERT INTO dh.t (i) VALUES (NULL)")


def test_returning_and_constraints(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute(
        "CREATE TABLE dh.t (i INTEGER CHECK (i < 1000), e ENUM ('a', 'b'), s INTEGER AS (i + 1)) WITH (distributed = true)"
    )
    returned = client.execute("INSERT INTO dh.t (i, e) VALUES (1, 'b'), (2, NULL) RETURNING i, e, s").fetchall()
    assert returned == [(1, "b", 2), (2, None, 3)]
    many = client.execute("INSERT INTO dh.t (i) SELECT range % 1000 FROM dh.range(100000) RETURNING i").fetchall()
    assert many == [(i % 1000,) for i in range(100000)]
    with pytest.raises(duckdb.ConstraintException, match="CHECK"):
        client.execute("INSERT INTO dh.t (i) SELECT range FROM dh.range(2000)")
    assert client.execute("SELECT i, e, s FROM dh.t WHERE e IS NOT NULL").fetchall() == [(1, "b", 2)]
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (100002,)


def test_prepared_statements_see_new_files(client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    client.execute("PREPARE put AS INSERT INTO dh.t VALUES ($1)")
    client.execute("PREPARE get AS SELECT sum(i) FROM dh.t WHERE i > $1")
    for i in range(1, 4):
        client.execute(f"EXECUTE put({i})")
        assert client.execute("EXECUTE get(0)").fetchone() == (sum(range(i + 1)),)
    client.executemany("INSERT INTO dh.t VALUES (?)", [(10,), (20,)])
    assert client.execute("SELECT sum(i), count(*) FROM dh.t").fetchone() == (36, 5)


def test_views_macros_and_copy(client: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    client.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR) WITH (distributed = true)")
    client.execute("CREATE VIEW dh.v AS SELECT i * 2 AS d FROM dh.t")
    client.execute("CREATE MACRO dh.m() AS TABLE SELECT max(i) AS top FROM t")
    (tmp_path / "rows.csv").write_text("i,s\n1,a\n2,b\n")
    client.execute(f"COPY dh.t FROM '{tmp_path / 'rows.csv'}'")
    assert client.execute("SELECT sum(d) FROM dh.v").fetchone() == (6,)
    assert client.execute("FROM dh.m()").fetchone() == (2,)
    client.execute(f"COPY dh.t TO '{tmp_path / 'out.csv'}'")
    assert (tmp_path / "out.csv").read_text() == "i,s\n1,a\n2,b\n"


def test_every_type_comes_back(client: duckdb.DuckDBPyConnection) -> None:
    run = client.execute
    for seed in range(int(os.environ.get("DUCKHERDER_TYPE_TABLES", "60"))):
        table = random_table(random.Random(seed))
        run(f"CREATE OR REPLACE TABLE here AS {table.query()}")
        run(f"CREATE OR REPLACE TABLE dh.kept ({table.columns()}) WITH (distributed = true)")
        run("INSERT INTO dh.kept FROM here")
        run("INSERT INTO dh.kept FROM dh.kept")
        run(f"CREATE OR REPLACE TABLE dh.made WITH (distributed = true) AS {table.query()}")
        rows = len(table.rows) * table.repeat
        for name, copies in (("kept", 2), ("made", 1)):
            run(f"CREATE OR REPLACE TABLE back AS FROM dh.{name}")
            query = f"SELECT count(*) FILTER (WHERE {same(table, 'here', 'back')}) FROM here JOIN back USING (n)"
            assert run(query).fetchone() == (rows * copies,), f"seed {seed}: {table.columns()}"


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("CREATE TABLE dh.x (i INTEGER PRIMARY KEY) WITH (distributed = true)", "PRIMARY KEY.*need an index"),
        ("CREATE TABLE dh.x (i INTEGER UNIQUE) WITH (distributed = true)", "cannot be distributed"),
        ("CREATE TABLE dh.x (i INTEGER) WITH (distributed = 'perhaps')", "true or false"),
        ("CREATE TABLE dh.x (i INTEGER) WITH (spread = true)", "Unknown option \"spread\""),
        ("CREATE INDEX k ON dh.t (i)", "cannot have indexes"),
        ("ALTER TABLE dh.t ADD PRIMARY KEY (i)", "cannot have indexes"),
        ("ALTER TABLE dh.t ADD COLUMN s.x INTEGER", "s"),
        ("ALTER TABLE dh.t ALTER i SET NOT NULL", "NOT NULL constraint failed"),
        ("INSERT INTO dh.duckherder.files DEFAULT VALUES", "list the files"),
        ("DELETE FROM dh.duckherder.files", "list the files"),
        ("DROP SCHEMA dh.duckherder CASCADE", "list the files"),
    ],
)
def test_what_is_refused(client: duckdb.DuckDBPyConnection, statement: str, error: str) -> None:
    client.execute("CREATE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    client.execute("INSERT INTO dh.t VALUES (NULL)")
    with pytest.raises(duckdb.Error, match=error):
        client.execute(statement)
    assert client.execute("FROM dh.t").fetchall() == [(None,)]


def test_without_storage(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.t WITH (distributed = true) AS SELECT 1 AS i")
    storage.server.stop()
    storage.arguments = storage.arguments[:2]
    storage.begin()
    again = storage.client()
    for statement in (
        "FROM dh.t",
        "INSERT INTO dh.t VALUES (1)",
        "CREATE TABLE dh.u (i INTEGER) WITH (distributed = true)",
    ):
        with pytest.raises(duckdb.InvalidInputException, match="--storage DIR"):
            again.execute(statement)
    again.execute("CREATE TABLE dh.native AS SELECT 1 AS i")
    assert again.execute("FROM dh.native").fetchall() == [(1,)]


def test_a_lost_file_is_named(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.t WITH (distributed = true) AS SELECT 1 AS i")
    (file,) = storage.files()
    file.unlink()
    with pytest.raises(duckdb.IOException, match=re.escape(file.name)):
        client.execute("FROM dh.t")


def test_workers_read_the_files(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    for name in ("a", "b"):
        storage.work(name)
    storage.wait_for_workers(client)
    client.execute("SET duckherder_distribution = 'force'")
    client.execute(
        "CREATE TABLE dh.t WITH (distributed = true) AS "
        "SELECT range AS i, (range % 7)::HUGEINT AS h, {'a': range % 3}::STRUCT(a UTINYINT) AS s FROM range(200000)"
    )
    query = "SELECT h, s.a AS a, count(*) AS n, sum(i) AS s FROM dh.t GROUP BY ALL ORDER BY ALL"
    plan = "\n".join(row[1] for row in client.execute(f"EXPLAIN {query}").fetchall())
    assert "Exchange" in plan, plan
    expected = query.replace("dh.t", "(SELECT range AS i, (range % 7)::HUGEINT AS h, {'a': range % 3} AS s FROM range(200000))")
    assert client.execute(query).fetchall() == client.execute(expected).fetchall()


def test_clients_that_create_the_same_table(storage: Storage) -> None:
    """One of them does, and its rows are there; the others are told so."""
    outcomes: list[str] = []

    def create(number: int) -> None:
        try:
            storage.client().execute(f"CREATE TABLE dh.t WITH (distributed = true) AS SELECT {number} AS n FROM range(1000)")
            outcomes.append(f"made {number}")
        except duckdb.Error as error:
            assert re.search("(?i)conflict|already exists|has created", str(error)), error
            outcomes.append("refused")

    for _ in range(10):
        outcomes.clear()
        threads = [threading.Thread(target=create, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (made,) = {outcome for outcome in outcomes if outcome.startswith("made")}
        client = storage.client()
        assert client.execute("SELECT DISTINCT 'made ' || n FROM dh.t").fetchall() == [(made,)]
        client.execute("INSERT INTO dh.t VALUES (-1)")
        client.execute("DROP TABLE dh.t")


def test_a_checkpoint_waits_for_nobody_for_ever(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    writers = [storage.client() for _ in range(3)]

    def insert(writer: duckdb.DuckDBPyConnection) -> None:
        for i in range(20):
            writer.execute("INSERT INTO dh.t VALUES (?)", [i])

    threads = [threading.Thread(target=insert, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        client.execute("FORCE CHECKPOINT dh")
        client.execute("SELECT count(*) FROM dh.t").fetchall()
    for thread in threads:
        thread.join()
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (60,)


def test_distributed_by_default(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.before (i INTEGER)")
    storage.server.stop()
    storage.begin("--default-table-kind", "distributed")
    again = storage.client()
    again.execute("CALL enable_logging(level = 'warning')")
    for definition, distributed, notice in (
        ("(i INTEGER)", True, None),
        ("(i INTEGER) WITH (distributed = false)", False, None),
        ("(i INTEGER PRIMARY KEY)", False, "PRIMARY KEY"),
        ("(i INTEGER, UNIQUE (i))", False, "UNIQUE"),
        ("(filename VARCHAR)", False, '"filename"'),
        ("AS SELECT 1 AS i", True, None),
        ("WITH (distributed = false) AS SELECT 1 AS i", False, None),
    ):
        again.execute("CALL truncate_duckdb_logs()")
        again.execute(f"CREATE OR REPLACE TABLE dh.t {definition}")
        tags = again.execute("SELECT tags FROM dh.duckdb_tables() WHERE table_name = 't'").fetchone()[0]
        assert bool(tags) == distributed, definition
        notices = again.execute("SELECT message FROM duckdb_logs WHERE message LIKE '%native table%'").fetchall()
        assert len(notices) == (notice is not None), notices
        assert notice is None or notice in notices[0][0]
    again.execute("CALL disable_logging()")
    again.execute("CREATE OR REPLACE TABLE dh.t AS SELECT range AS i FROM dh.range(10)")
    again.execute("CREATE TEMP TABLE here (i INTEGER)")
    again.execute("INSERT INTO dh.before VALUES (1)")
    storage.server.kill()
    storage.begin("--default-table-kind", "distributed")
    last = storage.client()
    assert last.execute("FROM dh.before").fetchall() == [(1,)], "its creation is read from the log"
    assert last.execute("SELECT count(*) FROM dh.t").fetchone() == (10,)


def test_a_local_server_with_workers_distributes(connect: Callable, tmp_path: Path, free_port: int) -> None:
    for path in ("", str(tmp_path / "kept.duckdb")):
        client = connect()
        client.execute(f"SELECT duckherder_start_local_server({free_port}, 2, path := '{path}')")
        client.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {free_port})")
        client.execute("CREATE TABLE dh.t AS SELECT range AS i FROM range(100000)")
        client.execute("CREATE TABLE dh.keys (k INTEGER PRIMARY KEY)")
        client.execute("SET duckherder_distribution = 'force'")
        (file,) = client.execute("SELECT path FROM duckherder_table_files('dh.t')").fetchone()
        assert Path(file).is_file()
        plan = "\n".join(row[1] for row in client.execute("EXPLAIN SELECT sum(i) FROM dh.t").fetchall())
        assert "Exchange" in plan, plan
        assert client.execute("SELECT sum(i) FROM dh.t").fetchone() == (4999950000,)
        client.execute("DETACH dh")
        client.execute("SELECT duckherder_stop_local_server()")
        assert Path(file).is_file() == bool(path)
    client.execute(f"SELECT duckherder_start_local_server({free_port}, 2, path := '{path}')")
    client.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {free_port})")
    assert client.execute("SELECT sum(i) FROM dh.t").fetchone() == (4999950000,)
    client.execute("SELECT duckherder_stop_local_server()")
