"""The 99 queries of TPC-DS have the same answers here, on a server, and with the facts there and the dimensions here."""

import re
from collections.abc import Iterator

import duckdb
import pytest
from answers import Answer, answer_of
from conftest import TPC_TABLES, Duckling, extension_path

FACTS = ("store_sales", "store_returns", "catalog_sales", "catalog_returns", "web_sales", "web_returns", "inventory")
NUMBERS = range(1, 100)


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    """All tables in `memory` and in `dh`; `facts_there` and `facts_here` are schemas that see some of them here, some there."""
    files = sorted(TPC_TABLES.glob("*.parquet"))
    assert files, f"no tables in {TPC_TABLES}: run `make tpcds`"
    server = Duckling()
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.load_extension(str(extension_path()))
    connection.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh")
    connection.execute("CREATE SCHEMA facts_there; CREATE SCHEMA facts_here")
    for file in files:
        table = file.stem
        connection.execute(f"CREATE TABLE memory.{table} AS FROM '{file}'")
        connection.execute(f"CREATE TABLE dh.{table} AS FROM memory.{table}")
        there, here = ("dh", "memory.main") if table in FACTS else ("memory.main", "dh")
        connection.execute(f"CREATE VIEW facts_there.{table} AS FROM {there}.{table}")
        connection.execute(f"CREATE VIEW facts_here.{table} AS FROM {here}.{table}")
    yield connection
    connection.close()
    server.kill()


def answer(connection: duckdb.DuckDBPyConnection, where: str, number: int) -> Answer:
    """All rows of the answer: which of those that are equal in the ORDER BY come before the LIMIT is open."""
    query = (TPC_TABLES / f"{number:02}.sql").read_text().strip()
    query = re.sub(r"LIMIT 100\s*;$", "", query, flags=re.IGNORECASE)
    connection.execute(f"USE {where}")
    return answer_of(connection, query, [])


@pytest.mark.parametrize("number", NUMBERS)
def test_query(tables: duckdb.DuckDBPyConnection, number: int) -> None:
    here = answer(tables, "memory.main", number)
    assert not here.error, here
    for where in ("dh", "memory.facts_there", "memory.facts_here"):
        there = answer(tables, where, number)
        assert there.same_as(here, ordered=False, rounded=True), f"{where}: {there}\nhere: {here}"


def test_most_queries_have_rows(tables: duckdb.DuckDBPyConnection) -> None:
    empty = [number for number in NUMBERS if not answer(tables, "memory.main", number).rows]
    assert len(empty) < 40, f"no rows: {empty}"
