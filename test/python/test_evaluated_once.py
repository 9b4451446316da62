"""What has another value each time it is evaluated is evaluated once per row, at one place."""

import duckdb
import pytest

ROWS = 1000

# Each says whether it was evaluated once; `s` is a sequence of the server, `here` one of the client.
ONCE = (
    "SELECT count(DISTINCT n) = count(*) AND max(n) = count(*) FROM (SELECT nextval('dh.s') AS n FROM dh.t)",
    "SELECT count(DISTINCT n) = count(*) AND max(n) = count(*) FROM (SELECT nextval('dh.s') AS n FROM l)",
    "SELECT count(DISTINCT n) = count(*) AND max(n) = count(*) FROM (SELECT nextval('dh.s') AS n FROM dh.t JOIN l USING (i))",
    "SELECT count(DISTINCT n) = count(*) AND max(n) = count(*) FROM (SELECT nextval('here') AS n FROM dh.t JOIN l USING (i))",
    "SELECT bool_and(r = same) FROM (SELECT r, r AS same FROM (SELECT random() AS r FROM dh.t))",
    "SELECT bool_and(r = same) FROM (SELECT r, r AS same FROM (SELECT random() AS r FROM dh.t JOIN l USING (i)))",
    "SELECT count(*) = 1000 FROM (SELECT i, random() AS r FROM dh.t) x JOIN l USING (i) WHERE r = r",
    "WITH x AS MATERIALIZED (SELECT i, random() AS r FROM dh.t) SELECT count(*) = 1000 FROM x a JOIN x b USING (i, r)",
    "WITH x AS MATERIALIZED (SELECT i, random() AS r FROM dh.t) SELECT count(*) = 1000 FROM x a JOIN x b USING (i, r) JOIN l USING (i)",
    "WITH x AS MATERIALIZED (SELECT i, uuid() AS r FROM dh.t) SELECT count(*) = 1000 FROM x a, x b, l WHERE a.r = b.r AND l.i = a.i",
    "SELECT min(r) >= 0.5 AND count(*) BETWEEN 300 AND 700 FROM (SELECT random() AS r FROM dh.t) WHERE r >= 0.5",
    "SELECT min(r) >= 0.5 AND count(*) BETWEEN 300 AND 700 FROM (SELECT random() AS r, i FROM dh.t) JOIN l USING (i) WHERE r >= 0.5",
    "SELECT count(DISTINCT n) = 1 FROM (SELECT now() AS n FROM dh.t UNION ALL SELECT now() FROM l)",
    "SELECT count(DISTINCT n) = 1 FROM (SELECT current_timestamp AS n FROM dh.t JOIN l USING (i) UNION ALL SELECT get_current_timestamp() FROM dh.t)",
)

# Each fills `dh.made (n, m)` with what comes from a sequence.
CHANGES = (
    "INSERT INTO dh.made SELECT nextval('dh.s'), 0 FROM dh.t",
    "INSERT INTO dh.made SELECT nextval('dh.s'), 0 FROM l",
    "INSERT INTO dh.made (m) SELECT i FROM l",
    "INSERT INTO dh.made SELECT n, n FROM (SELECT nextval('dh.s') AS n FROM dh.t JOIN l USING (i))",
    "INSERT INTO dh.made (m) SELECT i FROM dh.t RETURNING n",
    "MERGE INTO dh.made USING l ON made.m = l.i + 5 WHEN NOT MATCHED THEN INSERT (m) VALUES (l.i)",
)


@pytest.fixture
def tables(attached: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """`dh.t` and `l` with the same rows, a sequence on either side, and a table whose default is the server's sequence."""
    attached.execute(f"CREATE TABLE l AS SELECT range AS i FROM range({ROWS})")
    attached.execute("CREATE TABLE dh.t AS FROM l")
    attached.execute("CREATE SEQUENCE dh.s")
    attached.execute("CREATE SEQUENCE here")
    attached.execute("USE dh")
    attached.execute("CREATE TABLE made (n BIGINT DEFAULT nextval('s'), m BIGINT)")
    attached.execute("USE memory")
    return attached


@pytest.mark.parametrize("query", ONCE)
def test_query(tables: duckdb.DuckDBPyConnection, query: str) -> None:
    assert tables.execute(query).fetchone() == (True,)


@pytest.mark.parametrize("change", CHANGES)
def test_change(tables: duckdb.DuckDBPyConnection, change: str) -> None:
    tables.execute(change).fetchall()
    made = "SELECT count(*), count(DISTINCT n), min(n), max(n) FROM dh.made"
    assert tables.execute(made).fetchone() == (ROWS, ROWS, 1, ROWS)


def test_a_sequence_of_the_client_does_not_travel(tables: duckdb.DuckDBPyConnection) -> None:
    for statement in ("SELECT nextval('here') FROM dh.t", "INSERT INTO dh.made SELECT nextval('here'), 0 FROM dh.t"):
        with pytest.raises(duckdb.BinderException, match='Sequence here is not in the database "dh".*in a statement of its own'):
            tables.execute(statement).fetchall()


def test_explain_and_prepare_evaluate_nothing(tables: duckdb.DuckDBPyConnection) -> None:
    for statement in ("EXPLAIN SELECT nextval('dh.s') FROM dh.t", "PREPARE p AS SELECT nextval('dh.s') FROM dh.t"):
        tables.execute(statement).fetchall()
    assert tables.execute("SELECT nextval('dh.s')").fetchone() == (1,)
