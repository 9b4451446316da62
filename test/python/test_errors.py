"""Wrong statements: the server's errors are a local database's, word for word, and point to the same place."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import Duckling
from errors_side_by_side import SERVER_DATABASE, Sides, bare, outcome, parsed
from wrong_statements import LOCAL_SCHEMA, READ_ONLY, SCHEMA, WITH_PARAMETERS, WRONG_STATEMENTS

#: Where the two sides cannot say the same: why, and what tells the one from the other.
DIFFERENT: dict[str, tuple[str, str, str]] = {
    "table_macro_type": (
        "a macro of a server finds the tables beside it, whatever the client is in",
        "Table with name person does not exist", "Could not convert string 'x' to INT32",
    ),
    "enum_cast": (
        "the types of a server are known to the statements that run there",
        "Type with name mood does not exist", "Could not convert string 'Rex' to ENUM",
    ),
    "natural_join": (
        "compiled by GCC, as the server is, DuckDB forgets where a join is written",
        "LINE 1: SELECT * FROM dh.item NATURAL JOIN", "Right candidates: nested.s, nested.l, nested.m",
    ),
}

#: The same for a client that is connected to the server.
DIFFERENT_ON_THE_SERVER: dict[str, tuple[str, str, str]] = {
    "natural_join": (
        "as above", "LINE 1: SELECT * FROM item NATURAL JOIN", "Right candidates: nested.s, nested.l, nested.m",
    ),
    "macro_body": (
        "the place is one in the statement that created the macro; each side was given another text",
        "No function matches", "No function matches",
    ),
    "pivot_using": (
        "the text is sent before DuckDB expands it, so the place is in what the user wrote",
        "SELECT * FROM pet PIVOT", "LINE 1: PIVOT pet",
    ),
    "comments": (
        "local places are counted from the comment, which is no part of the text that is shown; the server's are right",
        "  agee -- the age", "  agee -- the age",
    ),
    "prepare_comment": ("the same", " nam, $1", " nam, $1"),
    "several_statements": (
        "local places are counted from the first statement, so they are out of the second; the server's are right",
        "Candidate bindings", "LINE 1: SELECT  nam FROM person",
    ),
    "several_statements_lines": ("the same", "Candidate bindings", "LINE 1: SELECT nam"),
    "several_conversion": ("the same", "Could not convert string 'x1'", "LINE 1: SELECT 'é', s::INTEGER"),
}

#: What is about the client's own tables, databases and transactions
NOT_FOR_THE_SERVER = ("mixed_", "local_", "attach_", "detach", "use", "json")

ONE_STATEMENT = [(name, statements) for name, statements in WRONG_STATEMENTS if len(statements) == 1]
SEVERAL_STATEMENTS = [(name, statements) for name, statements in WRONG_STATEMENTS if len(statements) > 1]
EXPLAINABLE = ("SELECT", "WITH", "FROM", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE TABLE")
EXPLAINED = [
    (name, statements)
    for name, statements in ONE_STATEMENT
    if name not in DIFFERENT and statements[0].startswith(EXPLAINABLE) and ";" not in statements[0]
]
FOR_THE_SERVER = [case for case in ONE_STATEMENT if not case[0].startswith(NOT_FOR_THE_SERVER)]


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Sides]:
    """For cases that change nothing."""
    sides = Sides()
    yield sides
    sides.close()


@pytest.fixture
def sides() -> Iterator[Sides]:
    sides = Sides()
    yield sides
    sides.close()


@pytest.fixture(scope="module")
def inside() -> Iterator[Sides]:
    """Both are in `dh`, by USE and by CONNECT. A connected client sees the server's own names."""
    sides = Sides("dh")
    sides.local.execute("USE dh")
    sides.remote.execute("CONNECT dh")
    yield sides
    sides.close()


def compare(name: str, errors: tuple[str, str], different: dict = DIFFERENT) -> None:
    local, remote = errors
    assert local, "it succeeds"
    if name in different:
        reason, expected_local, expected_remote = different[name]
        assert expected_local in local and expected_remote in remote and local != remote, (reason, errors)
    else:
        assert remote == local
    for leak in (SERVER_DATABASE, "duckherder_input", "duckherder_query"):
        assert leak not in remote


@pytest.mark.parametrize(("name", "statements"), ONE_STATEMENT, ids=[name for name, _ in ONE_STATEMENT])
def test_as_written(unchanged: Sides, name: str, statements: list[str]) -> None:
    compare(name, unchanged.errors(statements))


@pytest.mark.parametrize(("name", "statements"), SEVERAL_STATEMENTS, ids=[name for name, _ in SEVERAL_STATEMENTS])
def test_after_others(sides: Sides, name: str, statements: list[str]) -> None:
    compare(name, sides.errors(statements))


@pytest.mark.parametrize(("name", "statement", "values"), WITH_PARAMETERS, ids=[name for name, *_ in WITH_PARAMETERS])
def test_with_parameters(unchanged: Sides, name: str, statement: str, values: object) -> None:
    compare(f"parameters_{name}", unchanged.errors([statement], values))


@pytest.mark.parametrize(("name", "statements"), ONE_STATEMENT, ids=[name for name, _ in ONE_STATEMENT])
def test_bare_names(unchanged: Sides, name: str, statements: list[str]) -> None:
    for connection in unchanged.both:
        connection.execute("USE dh")
    local, remote = unchanged.errors([bare(statements[0])])
    for connection in unchanged.both:
        connection.execute("USE memory")
    if name not in DIFFERENT:
        compare(name, (local, remote))


@pytest.mark.parametrize(("name", "statements"), ONE_STATEMENT, ids=[name for name, _ in ONE_STATEMENT])
def test_as_json(unchanged: Sides, name: str, statements: list[str]) -> None:
    for connection in unchanged.both:
        connection.execute("SET errors_as_json = true")
    local, remote = unchanged.errors(statements)
    for connection in unchanged.both:
        connection.execute("RESET errors_as_json")
    if name not in DIFFERENT:
        local, remote = parsed(local), parsed(remote)
        if int(local.get("position", 0)) > len(statements[0].encode()):
            # In the text of a view or a macro, which the server was given another way
            for place in ("position", "location"):
                local.pop(place)
        assert remote == local


@pytest.mark.parametrize(("name", "statements"), EXPLAINED, ids=[name for name, _ in EXPLAINED])
def test_explained(unchanged: Sides, name: str, statements: list[str]) -> None:
    local, remote = unchanged.errors([f"EXPLAIN {statements[0]}"])
    assert remote == local


@pytest.mark.parametrize(("name", "statements"), FOR_THE_SERVER, ids=[name for name, _ in FOR_THE_SERVER])
def test_connected(inside: Sides, name: str, statements: list[str]) -> None:
    compare(name, inside.errors([bare(statements[0])]), DIFFERENT_ON_THE_SERVER)


def test_names_that_need_quotes(connection: duckdb.DuckDBPyConnection, start_server: Callable[..., Duckling]) -> None:
    server = start_server("--listen", "127.0.0.1:0", "--database", "My served=:memory:")
    connection.execute(f"""ATTACH 'duckherder://localhost:{server.port}' AS "your dh" """)
    connection.execute('CREATE TABLE "your dh".a (i INTEGER, j INTEGER)')
    error = outcome(connection, 'SELECT i FROM "your dh".a UNION SELECT i FROM "your dh".a ORDER BY j')
    assert 'ORDER BY column ""your dh".main.a.j"' in error


def test_a_table_named_like_the_database_of_the_server(sides: Sides) -> None:
    for connection in sides.both:
        connection.execute("CREATE TABLE dh.served AS SELECT 1 AS id, 2 AS main; CREATE TABLE dh.other AS SELECT 1 AS id")
    local, remote = sides.errors(["SELECT id FROM dh.served, dh.other"])
    assert remote == local
    local, remote = sides.errors(["SELECT served.main.x, served.id.y FROM dh.served"])
    assert remote == local


def test_an_argument_has_places_of_its_own(unchanged: Sides) -> None:
    error = outcome(unchanged.remote, "FROM duckherder_query('dh', 'SELECT 1, nam FROM person')")
    assert "LINE 1: SELECT 1, nam FROM person\n                  ^^^\n" in error


@pytest.mark.parametrize("statement", READ_ONLY)
def test_a_server_that_only_reads(
    connect: Callable[..., duckdb.DuckDBPyConnection],
    start_server: Callable[..., Duckling],
    tmp_path: Path,
    statement: str,
) -> None:
    path = tmp_path / "file.duckdb"
    with duckdb.connect(str(path)) as file:
        file.execute(SCHEMA)
    local, remote = duckdb.connect(), connect()
    for connection in local, remote:
        connection.execute(LOCAL_SCHEMA)
    local.execute(f"ATTACH '{path}' AS dh (READ_ONLY)")
    server = start_server("--listen", "127.0.0.1:0", "--database", f"served={path}", "--read-only", "served")
    remote.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh")
    expected = outcome(local, statement)
    local.close()
    assert outcome(remote, statement) == expected
    remote.execute("DETACH dh")
    remote.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh (READ_ONLY)")
    assert outcome(remote, statement) == expected
