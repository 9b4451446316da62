"""Statements from Python: parameters, exception classes, functions of the client, cursors and threads."""

import datetime
import decimal
import threading
import uuid

import duckdb
import pandas as pd
import pytest


@pytest.fixture(params=["local", "remote"])
def table(request: pytest.FixtureRequest, attached: duckdb.DuckDBPyConnection) -> str:
    """The name of a table with a key, in this process or on the server: everything must go the same way on both."""
    name = "t" if request.param == "local" else "dh.t"
    attached.execute(f"CREATE TABLE {name} (i INTEGER PRIMARY KEY, s VARCHAR NOT NULL)")
    attached.execute(f"INSERT INTO {name} VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    return name


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        ("SELECT s FROM {t} WHERE i = ?", [2], [("two",)]),
        ("SELECT s FROM {t} WHERE i = $key", {"key": 3}, [("three",)]),
        ("SELECT i, ? FROM {t} ORDER BY i LIMIT ?", ["x", 1], [(1, "x")]),
        ("SELECT count(*) FROM {t} WHERE s = ?", ["it's"], [(0,)]),
        ("SELECT count(*) FROM {t} WHERE i IN (SELECT unnest(?))", [[1, 3]], [(2,)]),
        ("INSERT INTO {t} VALUES (?, ?)", [4, "four"], [(1,)]),
        ("INSERT INTO {t} VALUES (?, ?), (?, ?)", [4, "four", 5, "five"], [(2,)]),
        ("INSERT INTO {t} VALUES (?, ?) RETURNING i, s", [4, "four"], [(4, "four")]),
        ("INSERT INTO {t} VALUES (?, ?) ON CONFLICT DO NOTHING", [1, "again"], [(0,)]),
        ("INSERT INTO {t} VALUES (?, ?) ON CONFLICT (i) DO UPDATE SET s = excluded.s", [1, "again"], [(1,)]),
        ("UPDATE {t} SET s = ? WHERE i = ?", ["changed", 1], [(1,)]),
        ("UPDATE {t} SET s = $s WHERE i > $i RETURNING s", {"s": "q", "i": 2}, [("q",)]),
        ("DELETE FROM {t} WHERE i = ?", [1], [(1,)]),
        ("DELETE FROM {t} WHERE i >= ? RETURNING i", [3], [(3,)]),
        ("MERGE INTO {t} USING (SELECT ?::INTEGER AS k) ON i = k WHEN MATCHED THEN DELETE", [1], [(1,)]),
    ],
)
def test_parameters(attached: duckdb.DuckDBPyConnection, table: str, sql: str, parameters, expected) -> None:
    assert attached.execute(sql.format(t=table), parameters).fetchall() == expected


def test_a_statement_repeated_with_other_parameters(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    for i in range(10, 20):
        attached.execute(f"INSERT INTO {table} VALUES (?, ?)", [i, str(i)])
    found = [attached.execute(f"SELECT s FROM {table} WHERE i = ?", [i]).fetchone() for i in range(10, 20)]
    assert found == [(str(i),) for i in range(10, 20)]
    attached.executemany(f"DELETE FROM {table} WHERE i = ?", [[i] for i in range(10, 20)])
    assert attached.execute(f"SELECT count(*) FROM {table}").fetchone() == (3,)


@pytest.mark.parametrize(
    "value",
    [
        None, True, -1, 2**100, 1.5, float("inf"), "", "it's", "a\0b", "🦆", b"\x00\xff", decimal.Decimal("12.34"),
        datetime.date(2024, 2, 29), datetime.time(1, 2, 3, 4), datetime.datetime(2024, 1, 2, 3, 4, 5, 6),
        datetime.timedelta(days=3, seconds=5), uuid.UUID(int=5),
    ],
    ids=repr,
)
def test_parameters_of_every_type(attached: duckdb.DuckDBPyConnection, value) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    assert attached.execute("SELECT ? FROM dh.one", [value]).fetchall() == [(value,)]
    attached.execute("CREATE TABLE dh.kept AS SELECT ? AS x", [value])
    assert attached.execute("FROM dh.kept").fetchall() == [(value,)]


@pytest.mark.parametrize(
    ("sql", "error", "text"),
    [
        ("SELECT FROM WHERE {t}", duckdb.ParserException, "syntax error"),
        ("SELECT nope FROM {t}", duckdb.BinderException, 'Referenced column "nope" not found'),
        ("SELECT nope(i) FROM {t}", duckdb.CatalogException, "Scalar Function with name nope does not exist"),
        ("SELECT * FROM {t}x", duckdb.CatalogException, "Table with name tx does not exist"),
        ("SELECT s::INTEGER FROM {t}", duckdb.ConversionException, "Could not convert string"),
        ("SELECT (i + 2147483647)::INTEGER FROM {t}", duckdb.OutOfRangeException, "Overflow"),
        ("SELECT i::TINYINT + 127::TINYINT FROM {t}", duckdb.OutOfRangeException, "Overflow"),
        ("SELECT error('own text ' || s) FROM {t}", duckdb.InvalidInputException, "own text"),
        ("INSERT INTO {t} VALUES (1, 'again')", duckdb.ConstraintException, "(?i)duplicate key"),
        ("INSERT INTO {t} VALUES (9, NULL)", duckdb.ConstraintException, "NOT NULL constraint failed"),
        ("INSERT INTO {t} VALUES (9)", duckdb.BinderException, "has 2 columns but 1 values were supplied"),
        ("INSERT INTO {t} (i, x) VALUES (9, 9)", duckdb.BinderException, 'does not have a column with name "x"'),
        ("INSERT INTO {t} SELECT 1, 'x' FROM range(1)", duckdb.ConstraintException, "(?i)duplicate key"),
        ("UPDATE {t} SET i = 'x'", duckdb.ConversionException, "Could not convert string 'x'"),
        ("CREATE TABLE {t} (i INTEGER)", duckdb.CatalogException, "already exists"),
        ("DROP VIEW {t}", duckdb.CatalogException, "trying to drop type View"),
        ("ALTER TABLE {t} DROP COLUMN nope", duckdb.Error, "does not have a column"),
        ("CREATE INDEX x ON {t} (nope)", duckdb.BinderException, "nope"),
        ("SELECT sum(s) FROM {t}", duckdb.BinderException, "No function matches"),
        ("SELECT i, count(*) FROM {t}", duckdb.BinderException, "must appear in the GROUP BY clause"),
    ],
)
def test_errors_keep_class_and_text(attached, table: str, sql: str, error: type[duckdb.Error], text: str) -> None:
    with pytest.raises(error, match=text):
        attached.execute(sql.format(t=table)).fetchall()
    assert attached.execute(f"SELECT count(*) FROM {table}").fetchone() == (3,)


def test_a_python_function_stays_here(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    attached.create_function("shout", lambda s: s.upper() + "!", ["VARCHAR"], "VARCHAR")
    assert attached.execute(f"SELECT shout(s) FROM {table} WHERE shout(s) = 'TWO!'").fetchall() == [("TWO!",)]


def test_a_python_function_hides_one_of_the_server(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    attached.execute("CREATE MACRO lcase(s) AS 'mine: ' || s")
    assert attached.execute(f"SELECT lcase(s) FROM {table} WHERE i = 1").fetchall() == [("mine: one",)]


def test_a_variable_of_python(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    import pyarrow

    frame = pyarrow.table({"i": [2, 3]})
    assert attached.execute(f"SELECT s FROM {table} JOIN frame USING (i) ORDER BY i").fetchall() == [("two",), ("three",)]
    assert frame.num_rows == 2
    attached.execute(f"INSERT INTO {table} SELECT i + 10, 'from Arrow' FROM frame")
    assert attached.execute(f"SELECT count(*) FROM {table}").fetchone() == (5,)


def test_relations(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    relation = attached.table(table)
    assert relation.filter("i > 1").aggregate("count(*)").fetchall() == [(2,)]
    assert relation.columns == ["i", "s"]
    relation.insert([7, "seven"])
    assert relation.filter("i = 7").project("s").fetchall() == [("seven",)]


def test_cursors_in_threads(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    failures: list[BaseException] = []

    def work(which: int) -> None:
        try:
            cursor = attached.cursor()
            for i in range(20):
                cursor.execute(f"INSERT INTO {table} VALUES ({100 + which * 100 + i}, 'x')")
                cursor.execute(f"SELECT count(*) FROM {table}").fetchall()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(which,)) for which in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert attached.execute(f"SELECT count(*) FROM {table}").fetchone() == (163,)


def test_a_cursor_does_not_see_an_open_transaction(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    attached.execute("BEGIN")
    attached.execute(f"DELETE FROM {table}")
    other = attached.cursor()
    assert other.execute(f"SELECT count(*) FROM {table}").fetchone() == (3,)
    attached.execute("COMMIT")
    assert other.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_describing_a_statement_does_not_run_it(attached: duckdb.DuckDBPyConnection, table: str) -> None:
    for statement in (f"INSERT INTO {table} VALUES (9, 'x')", f"DELETE FROM {table}", f"UPDATE {table} SET s = ''"):
        attached.execute(f"EXPLAIN {statement}").fetchall()
        attached.execute(f"PREPARE later AS {statement}")
        attached.execute("DEALLOCATE later")
    # A relation binds its statement when it is made
    attached.query(f"SELECT * FROM {table}")
    assert attached.execute(f"SELECT i, s FROM {table} ORDER BY i").fetchall() == [(1, "one"), (2, "two"), (3, "three")]


def test_a_long_error_text(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    with pytest.raises(duckdb.InvalidInputException, match="xxxxxxxxxx"):
        attached.execute("SELECT error(repeat('x', 3000000)) FROM dh.one").fetchall()
    with pytest.raises(duckdb.InvalidInputException, match="ü🦆"):
        attached.execute("SELECT error('ü🦆' || chr(10) || 'second line') FROM dh.one").fetchall()


def test_a_long_statement(attached: duckdb.DuckDBPyConnection) -> None:
    values = ", ".join(f"({i}, '{'x' * 50}')" for i in range(50000))
    attached.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR)")
    assert attached.execute(f"INSERT INTO dh.t VALUES {values}").fetchall() == [(50000,)]
    assert attached.execute("SELECT count(*), sum(length(s)) FROM dh.t").fetchall() == [(50000, 2500000)]


def test_large_values(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT repeat('x', 20000000) AS s, 'y'::BLOB AS b")
    assert len(attached.execute("SELECT s FROM dh.t").fetchone()[0]) == 20000000
    attached.execute("CREATE TABLE here AS SELECT repeat('z', 20000000) AS s FROM range(3)")
    attached.execute("CREATE TABLE dh.u AS FROM here")
    assert attached.execute("SELECT count(*), max(length(s)) FROM dh.u").fetchall() == [(3, 20000000)]


def test_a_dataframe_is_loaded_and_joined(attached: duckdb.DuckDBPyConnection) -> None:
    frame = pd.DataFrame({"k": [1, 2, 3], "s": ["x", None, "z"]})
    assert len(frame) == 3
    attached.execute("CREATE TABLE dh.frame AS SELECT * FROM frame")
    assert attached.execute("SELECT k, s FROM dh.frame ORDER BY k").fetchall() == [(1, "x"), (2, None), (3, "z")]
    assert attached.execute("SELECT count(*) FROM dh.frame d JOIN frame f USING (k, s)").fetchall() == [(2,)]
