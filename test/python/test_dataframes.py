"""Arrow tables, data frames and parameters of a Python client as sources and targets of remote tables."""

import datetime
import decimal
import uuid

import duckdb
import pandas
import polars
import pyarrow
import pytest

ARROW = pyarrow.table(
    {
        "i": pyarrow.array([1, 2, None], pyarrow.int32()),
        "s": ["a", None, "🦆"],
        "l": [[1, None], [], None],
        "m": pyarrow.array([{"x": 1.5}, {"x": None}, None], pyarrow.struct([("x", pyarrow.float64())])),
        "t": pyarrow.array([0, 1, None], pyarrow.timestamp("ns")),
    }
)


def test_an_arrow_table_is_a_source_and_a_target(attached: duckdb.DuckDBPyConnection) -> None:
    source = ARROW
    attached.execute("CREATE TABLE dh.t AS FROM source")
    assert attached.execute("INSERT INTO dh.t SELECT * FROM source").fetchone() == (3,)
    fetched = attached.execute("FROM dh.t").to_arrow_table()
    assert fetched.to_pylist() == source.to_pylist() * 2
    assert fetched.schema.types == attached.execute("FROM source").to_arrow_table().schema.types


def test_a_data_frame_is_a_source_and_a_target(attached: duckdb.DuckDBPyConnection) -> None:
    frame = pandas.DataFrame({"i": range(5000), "f": [0.5] * 5000, "s": [f"n{i}" for i in range(5000)]})
    attached.execute("CREATE TABLE dh.t AS SELECT * FROM frame")
    attached.execute("INSERT INTO dh.t BY NAME SELECT s, i + 5000 AS i FROM frame")
    fetched = attached.execute("SELECT * FROM dh.t WHERE i < 5000 ORDER BY i").df()
    pandas.testing.assert_frame_equal(fetched, frame, check_dtype=False)
    assert attached.execute("SELECT count(*), count(f), sum(i) FROM dh.t").fetchone() == (10000, 5000, 49995000)


def test_a_data_frame_joins_a_remote_table(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT range AS i, 'n' || range AS s FROM range(100)")
    wanted = pandas.DataFrame({"i": [3, 99, 100]})
    assert attached.execute("SELECT s FROM dh.t JOIN wanted USING (i) ORDER BY i").fetchall() == [("n3",), ("n99",)]


def test_a_polars_frame_is_a_source(attached: duckdb.DuckDBPyConnection) -> None:
    frame = polars.DataFrame({"i": [1, 2, None], "s": ["a", "🦆", None], "l": [[1], [], None]})
    attached.execute("CREATE TABLE dh.t AS FROM frame")
    assert attached.execute("INSERT INTO dh.t FROM frame").fetchone() == (3,)
    assert attached.execute("UPDATE dh.t SET s = frame.s || '!' FROM frame WHERE frame.i = t.i").fetchone() == (4,)
    assert attached.execute("SELECT t.s, frame.l FROM dh.t JOIN frame USING (i) ORDER BY ALL").fetchall() == [
        ("a!", [1]), ("a!", [1]), ("🦆!", []), ("🦆!", []),
    ]  # fmt: skip


def test_append_fills_a_remote_table(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR)")
    frame = pandas.DataFrame({"i": [1, 2], "s": ["a", "b"]})
    attached.execute("USE dh")
    attached.append("t", frame)
    attached.append("t", frame[["s"]], by_name=True)
    assert attached.execute("SELECT * FROM dh.t ORDER BY ALL").fetchall() == [
        (1, "a"), (2, "b"), (None, "a"), (None, "b"),
    ]  # fmt: skip


def test_remote_rows_go_into_a_local_table(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.t AS SELECT range AS i FROM range(10000)")
    attached.execute("CREATE TABLE here (i BIGINT)")
    assert attached.execute("INSERT INTO here SELECT i * 2 FROM dh.t").fetchone() == (10000,)
    assert attached.execute("SELECT sum(i) FROM here").fetchone() == (99990000,)


def test_executemany_inserts_every_row(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR)")
    attached.executemany("INSERT INTO dh.t VALUES (?, ?)", [(1, "it's"), (2, None), (3, "")])
    assert attached.execute("FROM dh.t ORDER BY i").fetchall() == [(1, "it's"), (2, None), (3, "")]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        2**64 - 1,
        2**127 - 1,
        0.1,
        -0.0,
        float("inf"),
        5e-324,
        decimal.Decimal("12345678901234567890.123456789"),
        "it's \"ü\" 🦆\n",
        "x" * 1_000_000,
        b"\x00\xff'",
        uuid.UUID(int=2**127),
        datetime.date(1, 1, 1),
        datetime.time(23, 59, 59, 999999),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 4),
        datetime.timedelta(days=-5, microseconds=1),
        [1, None, 3],
        [],
        {"a": [1, 2], "b c": {"d": None}},
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_parameter_is_the_same_here_and_there(attached: duckdb.DuckDBPyConnection, value: object) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS n")
    query = "SELECT typeof(?), ?::VARCHAR, ? FROM {}"
    here = attached.execute(query.format("range(1)"), [value] * 3).fetchall()
    there = attached.execute(query.format("dh.one"), [value] * 3).fetchall()
    assert repr(there) == repr(here)


def test_long_lists_and_texts_arrive_whole(attached: duckdb.DuckDBPyConnection) -> None:
    attached.execute(
        "CREATE TABLE here AS SELECT i, range(100000) AS l, repeat('duck', 250000) AS s, [{'a': range(1000)}] AS n FROM range(20) r(i)"
    )
    attached.execute("CREATE TABLE dh.t AS FROM here")
    attached.execute("CREATE TABLE back AS FROM dh.t")
    query = "SELECT count(*) FROM back b JOIN here h USING (i) WHERE b.l = h.l AND b.s = h.s AND b.n = h.n"
    assert attached.execute(query).fetchone() == (20,)
