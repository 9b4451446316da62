"""EXPLAIN and EXPLAIN ANALYZE of remote statements: documents in all formats, and nothing that is executed twice."""

import importlib.util
import json
from collections.abc import Callable

import adbc_driver_manager
import duckdb
import pytest
from adbc_driver_manager import dbapi
from conftest import Duckling, extension_path


@pytest.fixture
def con(attached: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    attached.execute("CREATE TABLE dh.t AS SELECT range AS i, range % 10 AS g FROM range(1000)")
    attached.execute("CREATE TABLE here AS SELECT range AS k FROM range(3)")
    return attached


WHOLE = "SELECT g, sum(i) FROM dh.t WHERE i > 5 GROUP BY g"
MIXED = "SELECT g, k FROM dh.t JOIN here ON k = i"


def value(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    ((_, text),) = con.execute(sql).fetchall()
    return text


def names(operators: list[dict]) -> list[str]:
    return [name for op in operators for name in [op["name"], *names(op["children"])]]


def profiled(operators: list[dict]) -> list[tuple[str, int]]:
    return [found for op in operators for found in [(op["type"], op["intermediate_rows"]), *profiled(op.get("children", []))]]


def test_the_plan_as_json(con: duckdb.DuckDBPyConnection) -> None:
    (plan,) = json.loads(value(con, f"EXPLAIN (FORMAT json) {WHOLE}"))
    assert plan["name"] == "DUCKHERDER_QUERY"
    assert plan["extra_info"]["Remote SQL"].startswith("SELECT g, sum(i) FROM t")
    assert names([plan])[-1] == "SEQ_SCAN"
    here = json.loads(value(con.cursor(), "EXPLAIN (FORMAT json) SELECT count(*) FROM here"))
    assert "DUCKHERDER_QUERY" not in names(here)


def test_the_plan_of_a_client_that_prepares_all_statements(server: Duckling) -> None:
    """As DuckDB's drivers of ADBC, JDBC and Rust do."""
    driver = importlib.util.find_spec("_duckdb").origin
    database = adbc_driver_manager.AdbcDatabase(
        driver=driver, entrypoint="duckdb_adbc_init", path=":memory:", allow_unsigned_extensions="true"
    )
    with dbapi.Connection(database, adbc_driver_manager.AdbcConnection(database), autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute(f"LOAD '{extension_path()}'")
        cursor.execute(f"ATTACH 'dh' (TYPE duckherder, server_port {server.port})")
        cursor.execute("CREATE TABLE dh.prepared AS SELECT range AS i FROM range(100)")
        cursor.execute("EXPLAIN (FORMAT json) SELECT sum(i) FROM dh.prepared WHERE i < 5")
        ((_, text),) = cursor.fetchall()
        assert names(json.loads(text))[-1] == "SEQ_SCAN", text
        cursor.execute("DROP TABLE dh.prepared")
        cursor.close()


def test_the_profile_as_json(con: duckdb.DuckDBPyConnection) -> None:
    profile = json.loads(value(con, f"EXPLAIN (ANALYZE, FORMAT json) {WHOLE}"))
    operators = profiled(profile["operator"])
    # The client's own scan, and what the server has scanned
    assert ("TABLE_SCAN", 10) in operators
    assert ("TABLE_SCAN", 994) in operators


@pytest.mark.parametrize("statement", [WHOLE, MIXED], ids=["whole", "mixed"])
@pytest.mark.parametrize("form", ["", "ANALYZE, "], ids=["explain", "analyze"])
@pytest.mark.parametrize(
    ("name", "is_document"),
    [
        ("text", lambda text: "╭" in text and "Remote SQL" in text),
        ("json", lambda text: json.loads(text)),
        ("html", lambda text: text.count("<div") == text.count("</div") > 0),
        ("graphviz", lambda text: text.strip().startswith("digraph") and text.strip().endswith("}")),
        ("yaml", lambda text: "Remote SQL" in text),
        ("mermaid", lambda text: text.strip().startswith("flowchart")),
    ],
)
def test_formats(con: duckdb.DuckDBPyConnection, statement: str, form: str, name: str, is_document: Callable) -> None:
    text = value(con, f"EXPLAIN ({form}FORMAT {name}) {statement}")
    assert is_document(text)
    assert "GROUP BY" in text if statement == WHOLE else "FROM" in text


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO dh.t VALUES (7, 7)",
        "INSERT INTO dh.t SELECT k, k FROM here",
        "INSERT INTO dh.t VALUES (7, 7) RETURNING i",
        "UPDATE dh.t SET i = i + 1",
        "UPDATE dh.t SET i = k + 5000 FROM here WHERE k = i RETURNING i",
        "DELETE FROM dh.t WHERE i < 5",
        "MERGE INTO dh.t USING here ON k = i WHEN MATCHED THEN DELETE",
    ],
)
def test_a_change_is_executed_once_or_never(con: duckdb.DuckDBPyConnection, change: str) -> None:
    state = "SELECT count(*), sum(i) FROM dh.t"
    before = con.execute(state).fetchall()
    con.execute(f"EXPLAIN {change}").fetchall()
    assert con.execute(state).fetchall() == before
    con.execute("BEGIN")
    con.execute(change).fetchall()
    expected = con.execute(state).fetchall()
    con.execute("ROLLBACK")
    assert expected != before
    con.execute("BEGIN")
    con.execute(f"EXPLAIN ANALYZE {change}").fetchall()
    assert con.execute(state).fetchall() == expected
    con.execute("ROLLBACK")
    con.execute(f"EXPLAIN ANALYZE {change}").fetchall()
    assert con.execute(state).fetchall() == expected


def test_only_one_statement_is_explained(con: duckdb.DuckDBPyConnection) -> None:
    """Of several, an EXPLAIN would take the first, and the others would be executed."""
    with pytest.raises(duckdb.Error):
        con.execute("EXPLAIN FROM duckherder_query('dh', 'SELECT 1; DELETE FROM t')").fetchall()
    assert con.execute("SELECT count(*) FROM dh.t").fetchall() == [(1000,)]


def test_parameters(con: duckdb.DuckDBPyConnection) -> None:
    plan = con.execute("EXPLAIN SELECT g FROM dh.t WHERE i = ?", [42]).fetchall()[0][1]
    assert "42" in plan and "Seq Scan" in plan
    analyzed = con.execute("EXPLAIN ANALYZE SELECT g FROM dh.t WHERE i = ?", [42]).fetchall()[0][1]
    assert "Server Time" in analyzed and "1 row" in analyzed


def test_profiling_of_the_client(con: duckdb.DuckDBPyConnection) -> None:
    """The rows come as ever; the scan tells what the server has recorded."""
    con.execute("SET enable_profiling = 'no_output'")
    assert len(con.execute(WHOLE).fetchall()) == 10
    con.execute("RESET enable_profiling")
