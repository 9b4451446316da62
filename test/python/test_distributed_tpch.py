"""The 22 queries of TPC-H on distributed tables, which workers read, have the answers of one DuckDB, also after the tables have changed."""

from collections.abc import Iterator, Mapping

import duckdb
import pytest
from answers import answer_of
from conftest import ROOT, TPC_TABLES, Duckling, extension_path
from storages import Storage

FOLDER = TPC_TABLES / "tpch"
QUERIES = ROOT / "benchmark" / "queries" / "tpch"
NUMBERS = range(1, 23)
WORKERS = 3
#: What the tables are loaded in, each part from the client, or by the server in one statement
PARTS = 3
#: As the specification's refresh functions, and what is more than they do
CHANGES = (
    "DELETE FROM {at}.lineitem WHERE l_orderkey % 50 = 3",
    "DELETE FROM {at}.orders WHERE o_orderkey % 50 = 3",
    "INSERT INTO {at}.orders SELECT * REPLACE (o_orderkey + 100000 AS o_orderkey, o_totalprice * 2 AS o_totalprice)"
    " FROM {at}.orders WHERE o_orderkey % 30 = 1",
    "INSERT INTO {at}.lineitem SELECT * REPLACE (l_orderkey + 100000 AS l_orderkey) FROM {at}.lineitem WHERE l_orderkey % 30 = 1",
    "UPDATE {at}.lineitem SET l_quantity = l_quantity + 1, l_shipdate = l_shipdate + 1 WHERE l_suppkey % 4 = 0",
    "UPDATE {at}.customer SET c_acctbal = -c_acctbal WHERE c_nationkey IN (SELECT n_nationkey FROM {at}.nation WHERE n_regionkey = 1)",
    "ALTER TABLE {at}.part ADD COLUMN p_more VARCHAR DEFAULT 'more'",
    "ALTER TABLE {at}.supplier ALTER s_nationkey TYPE BIGINT",
    "MERGE INTO {at}.partsupp USING (SELECT range AS k FROM range(500)) r ON ps_partkey = r.k AND ps_suppkey % 2 = 0"
    " WHEN MATCHED AND r.k % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET ps_supplycost = ps_supplycost + 100",
)


def load(client: duckdb.DuckDBPyConnection, name: str, how: str) -> None:
    """Make `dh.main.<name>` of the rows of `memory.<name>`, or of the file that those are from."""
    if how == "on the server":
        client.execute(f"CREATE VIEW dh.source.{name} AS FROM read_parquet('{FOLDER / name}.parquet')")
        client.execute(f"CREATE TABLE dh.main.{name} WITH (distributed = true) AS FROM dh.source.{name}")
        return
    columns = client.execute(f"SELECT column_name, column_type FROM (DESCRIBE memory.{name})").fetchall()
    definition = ", ".join(f"{column} {of_type} NOT NULL" for column, of_type in columns)
    client.execute(f"CREATE TABLE dh.main.{name} ({definition}) WITH (distributed = true)")
    client.execute("BEGIN")
    for part in range(PARTS):
        client.execute(f"INSERT INTO dh.main.{name} FROM memory.{name} WHERE rowid % {PARTS} = {part}")
    client.execute("COMMIT")


@pytest.fixture(scope="module", params=["from the client", "on the server", "changed"])
def tables(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All tables in `memory`, and distributed in `dh`."""
    client = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    client.load_extension(str(extension_path()))
    servers: list[Duckling] = []

    def start(*arguments: str, environment: Mapping[str, str] | None = None) -> Duckling:
        servers.append(Duckling(*arguments, "--log-level", "error", environment=environment))
        return servers[-1]

    storage = Storage(start, lambda: client, tmp_path_factory.mktemp("tpch"))
    storage.client()
    storage.work_with(WORKERS, client)
    client.execute("CREATE SCHEMA dh.source")
    files = sorted(FOLDER.glob("*.parquet"))
    assert len(files) == 8, f"no tables in {FOLDER}: run `make test-python`"
    for file in files:
        client.execute(f"CREATE TABLE memory.{file.stem} AS FROM '{file}'")
        load(client, file.stem, request.param)
    if request.param == "changed":
        for change in CHANGES:
            assert client.execute(change.format(at="memory.main")).fetchall() == client.execute(change.format(at="dh.main")).fetchall()
    storage.check_list(client)
    yield client
    client.close()
    for server in servers:
        server.kill()


@pytest.mark.parametrize("number", NUMBERS)
def test_query(tables: duckdb.DuckDBPyConnection, number: int) -> None:
    query = (QUERIES / f"q{number:02}.sql").read_text()
    tables.execute("USE memory")
    here = answer_of(tables, query, [])
    assert not here.error, here
    tables.execute("USE dh")
    for way in ("force", "auto", "off"):
        tables.execute(f"SET duckherder_distribution = '{way}'")
        there = answer_of(tables, query, [])
        assert there.same_as(here, ordered=False, rounded=True), f"{way}: {there}\nhere: {here}"
    assert here.rows, "a query without rows tells nothing"


@pytest.mark.parametrize("number", NUMBERS)
def test_workers_read(tables: duckdb.DuckDBPyConnection, number: int) -> None:
    tables.execute("USE dh")
    tables.execute("SET duckherder_distribution = 'force'")
    plan = "\n".join(row[1] for row in tables.execute(f"EXPLAIN {(QUERIES / f'q{number:02}.sql').read_text()}").fetchall())
    assert "Stage 1" in plan or "Exchange" in plan, plan


def test_all_rows_are_there(tables: duckdb.DuckDBPyConnection) -> None:
    for file in sorted(FOLDER.glob("*.parquet")):
        for one, other in (("memory", "dh"), ("dh", "memory")):
            difference = f"SELECT count(*) FROM (FROM {one}.main.{file.stem} EXCEPT ALL FROM {other}.main.{file.stem})"
            assert tables.execute(difference).fetchone() == (0,), file.stem
