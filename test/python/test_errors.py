"""Wrong statements: the server's errors are a local database's, word for word, and point to the same place."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import Duckling
from errors_side_by_side import Sides, bare, outcome, parsed
from wrong_statements import (
    DIFFERENT, DIFFERENT_ON_THE_SERVER, NOT_FOR_THE_SERVER, READ_ONLY, SCHEMA, WITH_PARAMETERS, WRONG_STATEMENTS,
)

ONE_STATEMENT = [(name, statements) for name, statements in WRONG_STATEMENTS if len(statements) == 1]
SEVERAL_STATEMENTS = [(name, statements) for name, statements in WRONG_STATEMENTS if len(statements) > 1]
EXPLAINED = ("SELECT", "WITH", "FROM", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE TABLE")


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
        assert (expected_local in local, expected_remote in remote, local != remote) == (True, True, True), (reason, errors)
    else:
        assert remote == local
    for leak in ("served", "duckherder_input", "duckherder_query"):
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
    if local or name not in DIFFERENT:
        compare(name, (local, remote), {})


@pytest.mark.parametrize(("name", "statements"), ONE_STATEMENT, ids=[name for name, _ in ONE_STATEMENT])
def test_as_json(unchanged: Sides, name: str, statements: list[str]) -> None:
    for connection in unchanged.both:
        connection.execute("SET errors_as_json = true")
    local, remote = unchanged.errors(statements)
    for connection in unchanged.both:
        connection.execute("RESET errors_as_json")
    if name not in DIFFERENT:
        assert parsed(remote) == parsed(local)


@pytest.mark.parametrize(
    ("name", "statements"), [case for case in ONE_STATEMENT if case[1][0].startswith(EXPLAINED)], ids=lambda name: name[:30]
)
def test_explained(unchanged: Sides, name: str, statements: list[str]) -> None:
    if name not in DIFFERENT and ";" not in statements[0]:
        local, remote = unchanged.errors([f"EXPLAIN {statements[0]}"])
        assert remote == local


@pytest.mark.parametrize(
    ("name", "statements"),
    [case for case in ONE_STATEMENT if not case[0].startswith(NOT_FOR_THE_SERVER)],
    ids=lambda name: name[:30],
)
def test_connected(inside: Sides, name: str, statements: list[str]) -> None:
    compare(name, inside.errors([bare(statements[0])]), DIFFERENT_ON_THE_SERVER)


@pytest.mark.parametrize("statement", READ_ONLY)
def test_a_server_that_only_reads(
    connect: Callable[..., duckdb.DuckDBPyConnection], start_server: Callable[..., Duckling], tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "file.duckdb"
    with duckdb.connect(str(path)) as file:
        file.execute(SCHEMA)
    local, remote = duckdb.connect(), connect()
    local.execute(f"ATTACH '{path}' AS dh (READ_ONLY)")
    server = start_server("--listen", "127.0.0.1:0", "--database", f"served={path}", "--read-only", "served")
    remote.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh")
    expected = outcome(local, statement)
    local.close()
    assert outcome(remote, statement) == expected
    remote.execute("DETACH dh")
    remote.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh (READ_ONLY)")
    assert outcome(remote, statement) == expected
