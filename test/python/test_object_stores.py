"""Files and storages on an object store: the answers of one DuckDB, and errors in time that name URL and remedy."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import RELEASE, Duckling
from object_stores import ACCESS_KEY, SECRET_KEY, ObjectStorage, ObjectStore
from waiting import until

WORKERS = 2
#: A request is tried again for about 10 seconds, and may then take 30 to end.
LIMIT_S = 45
VACUUM = "SELECT count(*) FROM duckherder_vacuum(older_than := INTERVAL 0 SECOND)"
ROWS = "SELECT i, i % 7 AS g, 'text ' || i % 97 AS s, i * 1.5 AS d FROM range({}) r(i)"
SOURCES = (
    "read_parquet('{}/t.parquet')",
    "read_parquet('{}/parts/*/*.parquet')",
    "read_parquet('{}/parts/**/*.parquet')",
    "read_parquet('{}/parts/g=[1-3]/*')",
    "read_parquet('{}/parts/g=?/*.parquet', hive_partitioning := true)",
    "read_parquet(['{}/t.parquet', '{}/more/t2.parquet'])",
    "read_parquet('{}/**/*.parquet')",
    "read_csv('{}/lines.csv')",
    "read_csv('{}/zipped.csv.gz')",
    "read_csv('{}/csv/*/*.csv')",
    "read_json('{}/json/*.json')",
)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    result = ObjectStore()
    yield result
    result.stop()


@pytest.fixture
def storage(start_server: Callable[..., Duckling], connect: Callable, tmp_path: Path, store: ObjectStore) -> ObjectStorage:
    return ObjectStorage(start_server, connect, tmp_path, store)


@pytest.fixture
def client(storage: ObjectStorage) -> duckdb.DuckDBPyConnection:
    """Whose server has workers."""
    connection = storage.client()
    storage.work_with(WORKERS, connection)
    return connection


@pytest.fixture
def files(storage: ObjectStorage, tmp_path: Path) -> Path:
    """A folder of files, which are in the storage's bucket as well."""
    folder = tmp_path / "files"
    for name in ("more", "csv/a", "csv/b", "json"):
        (folder / name).mkdir(parents=True)
    rows = ROWS.format(50_000)
    with duckdb.connect() as local:
        local.execute(f"COPY ({rows}) TO '{folder}/t.parquet' (ROW_GROUP_SIZE 5000)")
        local.execute(f"COPY (SELECT i + 1000000 AS i, g, s, d FROM ({rows})) TO '{folder}/more/t2.parquet'")
        local.execute(f"COPY ({rows}) TO '{folder}/parts' (FORMAT parquet, PARTITION_BY (g), WRITE_PARTITION_COLUMNS true)")
        local.execute(f"COPY ({rows}) TO '{folder}/lines.csv'")
        local.execute(f"COPY ({rows}) TO '{folder}/zipped.csv.gz'")
        for number, name in enumerate("ab"):
            local.execute(f"COPY (SELECT {number} AS file, * FROM ({rows} LIMIT 1000)) TO '{folder}/csv/{name}/x.csv'")
            local.execute(f"COPY (SELECT {number} AS file, * FROM ({rows} LIMIT 1000)) TO '{folder}/json/{name}.json'")
    storage.store.upload(folder, storage.bucket)
    return folder


def on_server(client: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    escaped = sql.replace("'", "''")
    return client.execute(f"FROM duckherder_query('dh', '{escaped}')").fetchall()


def table_matches(client: duckdb.DuckDBPyConnection) -> None:
    """`dh.t` has the rows of the native table `expected`, however it is read."""
    expected = client.execute("FROM expected ORDER BY ALL").fetchall()
    for distribution in ("off", "force"):
        client.execute(f"SET duckherder_distribution = '{distribution}'")
        assert client.execute("FROM dh.t ORDER BY ALL").fetchall() == expected
    client.execute("RESET duckherder_distribution")


def fill(client: duckdb.DuckDBPyConnection, rows: int = 1000) -> None:
    """`dh.t` in two files, and `expected`."""
    client.execute("CREATE TABLE dh.t (i BIGINT, s VARCHAR) WITH (distributed = true)")
    client.execute("CREATE TEMP TABLE expected (i BIGINT, s VARCHAR)")
    for first in (0, rows):
        both(client, "INSERT INTO {} SELECT range, 'row ' || range FROM range(" + f"{first}, {first + rows})")


def both(client: duckdb.DuckDBPyConnection, statement: str) -> None:
    client.execute(statement.format("dh.t"))
    client.execute(statement.format("expected"))


@pytest.mark.parametrize("source", SOURCES)
def test_files_are_read_as_local_ones(
    storage: ObjectStorage, client: duckdb.DuckDBPyConnection, files: Path, source: str
) -> None:
    there = source.replace("{}", f"s3://{storage.bucket}")
    with duckdb.connect() as local:
        query = "SELECT g, count(*), sum(i), min(s), max(d) FROM {} GROUP BY g ORDER BY ALL"
        expected = local.execute(query.format(source.replace("{}", str(files)))).fetchall()
        expected_rows = local.execute(f"FROM {source.replace('{}', str(files))} ORDER BY ALL").fetchall()
    on_server(client, f"CREATE VIEW v AS FROM {there}")
    for distribution in ("off", "force"):
        client.execute(f"SET duckherder_distribution = '{distribution}'")
        assert client.execute(query.format("dh.v")).fetchall() == expected
        assert client.execute("FROM dh.v ORDER BY ALL").fetchall() == expected_rows
    plan = "".join(row[1] for row in client.execute(f"EXPLAIN {query.format('dh.v')}").fetchall())
    assert "Exchange" in plan or ".csv" in source or ".json" in source, plan


def test_copy_writes_objects(storage: ObjectStorage, client: duckdb.DuckDBPyConnection) -> None:
    url = f"s3://{storage.bucket}"
    rows = ROWS.format(300_000)
    for target in ("a.parquet", "a.csv", "a.json", "zipped.csv.gz"):
        on_server(client, f"COPY ({rows}) TO '{url}/{target}'")
        assert on_server(client, f"SELECT count(*), sum(i) FROM '{url}/{target}'") == [(300_000, 44999850000)]
        on_server(client, f"COPY ({ROWS.format(5)}) TO '{url}/{target}'")
        assert on_server(client, f"SELECT count(*) FROM '{url}/{target}'") == [(5,)], "it replaces the object"
    on_server(client, f"COPY ({rows}) TO '{url}/parts' (FORMAT parquet, PARTITION_BY (g))")
    assert on_server(client, f"SELECT g, count(*) FROM '{url}/parts/*/*.parquet' GROUP BY g ORDER BY g") == [
        (g, len(range(g, 300_000, 7))) for g in range(7)
    ]
    on_server(client, f"COPY (SELECT 1 AS i, 'ä ö' AS s) TO '{url}/names with spaces' (FORMAT parquet, PARTITION_BY (s))")
    assert on_server(client, f"SELECT i, s FROM '{url}/names with spaces/*/*.parquet'") == [(1, "ä ö")]


def test_a_database_is_exported_to_a_store(storage: ObjectStorage, client: duckdb.DuckDBPyConnection) -> None:
    url = f"s3://{storage.bucket}/export"
    client.execute("CREATE TABLE dh.n AS SELECT range AS i FROM range(1000)")
    on_server(client, f"EXPORT DATABASE '{url}' (FORMAT parquet)")
    assert {"export/schema.sql", "export/load.sql"} <= set(storage.store.keys(storage.bucket))
    assert b"CREATE TABLE n(i BIGINT)" in storage.store.content(storage.bucket, "export/schema.sql")


def test_a_large_object_is_sent_in_parts(storage: ObjectStorage, client: duckdb.DuckDBPyConnection) -> None:
    url = f"s3://{storage.bucket}/large.csv"
    on_server(client, f"COPY (SELECT i, repeat('x', 100) AS s FROM range(300000) r(i)) TO '{url}'")
    assert len(storage.store.content(storage.bucket, "large.csv")) > 30_000_000
    assert on_server(client, f"SELECT count(*), sum(i), max(length(s)) FROM '{url}'") == [(300_000, 44999850000, 100)]


@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (bucket(4, i)) SORTED BY (s)"])
def test_a_table_on_an_object_store(storage: ObjectStorage, client: duckdb.DuckDBPyConnection, layout: str) -> None:
    client.execute(f"CREATE TABLE dh.t (i BIGINT, s VARCHAR) {layout} WITH (distributed = true)")
    client.execute("CREATE TEMP TABLE expected (i BIGINT, s VARCHAR)")
    for statement in (
        "INSERT INTO {} SELECT range, 'row ' || range FROM range(5000)",
        "INSERT INTO {} SELECT range, 'more' FROM range(5000, 6000)",
        "UPDATE {} SET s = 'changed' WHERE i % 10 = 3",
        "DELETE FROM {} WHERE i % 7 = 1",
        "INSERT INTO {} VALUES (-1, NULL)",
        "ALTER TABLE {} ADD COLUMN c INTEGER DEFAULT 5",
        "ALTER TABLE {} ALTER c TYPE BIGINT",
    ):
        both(client, statement)
        table_matches(client)
    client.execute("BEGIN")
    client.execute("DELETE FROM dh.t")
    client.execute("INSERT INTO dh.t (i) VALUES (1)")
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (1,)
    client.execute("ROLLBACK")
    table_matches(client)
    client.execute("FROM duckherder_compact('dh.t')").fetchall()
    table_matches(client)
    storage.check_list(client)
    assert client.execute("SELECT count(*) FROM duckherder_check('dh.t') WHERE NOT is_whole").fetchone() == (0,)
    listed = {row[0] for row in client.execute("SELECT path FROM dh.duckherder.files").fetchall()}
    client.execute("USE dh")
    unlisted = storage.keys() - listed
    assert unlisted and client.execute(VACUUM).fetchone() == (len(unlisted),)
    client.execute("USE memory")
    assert storage.keys() == listed


def test_a_restarted_server_finds_its_table(storage: ObjectStorage) -> None:
    client = storage.client()
    fill(client)
    expected = client.execute("FROM expected ORDER BY ALL").fetchall()
    assert storage.server.stop() == 0
    storage.begin()
    client = storage.client()
    assert client.execute("FROM dh.t ORDER BY ALL").fetchall() == expected
    storage.server.kill()
    storage.begin()
    assert storage.client().execute("FROM dh.t ORDER BY ALL").fetchall() == expected


def test_another_storage_is_refused(storage: ObjectStorage, tmp_path: Path) -> None:
    fill(storage.client())
    assert storage.server.stop() == 0
    said = start_fails(tmp_path, f"s3://{storage.bucket}/elsewhere", storage.store.environment)
    assert "is not what it was" in said


def test_workers_write_objects(storage: ObjectStorage, client: duckdb.DuckDBPyConnection, files: Path) -> None:
    on_server(client, f"CREATE VIEW source AS FROM read_parquet('s3://{storage.bucket}/parts/*/*.parquet')")
    client.execute("SET duckherder_distribution = 'force'")
    statement = "CREATE TABLE dh.t WITH (distributed = true) AS SELECT i, s FROM dh.source"
    assert "COPY (" in "".join(row[1] for row in client.execute(f"EXPLAIN {statement}").fetchall())
    client.execute(statement)
    client.execute("INSERT INTO dh.t SELECT i, 'again' FROM dh.source")
    rows = f"read_parquet('{files}/parts/*/*.parquet')"
    client.execute(f"CREATE TEMP TABLE expected AS SELECT i, s FROM {rows} UNION ALL SELECT i, 'again' FROM {rows}")
    table_matches(client)
    storage.check_list(client)
    assert client.execute("SELECT count(*) FROM duckherder_check('dh.t') WHERE NOT is_whole").fetchone() == (0,)


@pytest.mark.parametrize("distribution", ["off", "force"])
def test_objects_that_are_lost_or_changed_are_named(
    storage: ObjectStorage, client: duckdb.DuckDBPyConnection, distribution: str
) -> None:
    fill(client)
    client.execute(f"SET duckherder_distribution = '{distribution}'")
    (path,) = client.execute("SELECT path FROM dh.duckherder.files ORDER BY path DESC LIMIT 1").fetchone()
    key, url = f"tables/{path}", f"s3://{storage.bucket}/tables/{path}"
    content = storage.store.content(storage.bucket, key)

    def fails(statement: str) -> None:
        with pytest.raises(duckdb.IOException) as error:
            client.execute(statement).fetchall()
        assert url in str(error.value), error.value

    storage.store.remove(storage.bucket, key)
    for statement in ("SELECT sum(i) FROM dh.t", "UPDATE dh.t SET s = 'x'"):
        fails(statement)
    assert client.execute("SELECT path, problem FROM duckherder_check('dh.t') WHERE NOT is_whole").fetchall() == [(url, "missing")]
    storage.store.put(storage.bucket, key, content[: len(content) // 2])
    fails("SELECT sum(i) FROM dh.t")
    # Of the same size: only its checksum tells
    storage.store.put(storage.bucket, key, content[:10] + b"damage" + content[16:])
    fails("UPDATE dh.t SET s = 'x' WHERE i = 1500")
    ((checked, problem),) = client.execute("SELECT path, problem FROM duckherder_check('dh.t') WHERE NOT is_whole").fetchall()
    assert checked == url and "checksum" in problem
    storage.store.put(storage.bucket, key, content)
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (2000,)


def test_a_database_is_claimed_on_the_store(storage: ObjectStorage) -> None:
    storage.server.stop()
    *storage.arguments, _ = storage.arguments
    storage.begin("100ms")
    until(lambda: any(key.endswith(".owner") for key in storage.store.keys(storage.bucket)), "the database has an owner")


def test_missing_files(storage: ObjectStorage, client: duckdb.DuckDBPyConnection) -> None:
    url = f"s3://{storage.bucket}"
    for source, message in (
        (f"{url}/none.parquet", "No files found that match the pattern"),
        (f"{url}/none/*.parquet", "No files found that match the pattern"),
        ("s3://there-is-no-such-bucket/x.parquet", 'there is no bucket "there-is-no-such-bucket"'),
        ("s3://there-is-no-such-bucket/*.parquet", 'there is no bucket "there-is-no-such-bucket"'),
    ):
        with pytest.raises(duckdb.IOException) as error:
            on_server(client, f"FROM read_parquet('{source}')")
        assert message in str(error.value) and source.split("*")[0].rstrip("/") in str(error.value)
    with pytest.raises(duckdb.IOException, match="there is no bucket"):
        on_server(client, "COPY (SELECT 1) TO 's3://there-is-no-such-bucket/x.csv'")


def start_fails(folder: Path, url: str, environment: dict[str, str]) -> str:
    """What a server says that cannot use its storage."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {"DUCKLING_LOG": "debug", **environment}
    command = [str(RELEASE / "duckling-server"), "--listen", "127.0.0.1:0", "--database", str(folder / "sales.duckdb"), "--storage", url]
    begun = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, env={**clean, **environment}, timeout=2 * LIMIT_S, check=False)
    assert time.monotonic() - begun < LIMIT_S
    assert ended.returncode == 1, ended.stdout
    assert url in ended.stderr
    assert SECRET_KEY not in ended.stdout + ended.stderr and ACCESS_KEY not in ended.stdout + ended.stderr
    return ended.stderr


def test_a_storage_that_cannot_be_used(store: ObjectStore, tmp_path: Path, free_port: int) -> None:
    nowhere = f"http://127.0.0.1:{free_port}"
    bucket = store.new_bucket()
    said = start_fails(tmp_path, "s3://there-is-no-such-bucket/x", store.environment)
    assert 'there is no bucket "there-is-no-such-bucket"' in said
    said = start_fails(tmp_path, f"s3://{bucket}/x", {**store.environment, "AWS_ENDPOINT_URL": nowhere})
    assert "cannot be reached" in said and "AWS_ENDPOINT_URL" in said
    without = {"AWS_ENDPOINT_URL": store.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_METADATA_ENDPOINT": nowhere}
    said = start_fails(tmp_path, f"s3://{bucket}/x", without)
    assert "there are no credentials" in said and "AWS_ACCESS_KEY_ID" in said
    encrypted = {name: value for name, value in store.environment.items() if name != "AWS_ALLOW_HTTP"}
    assert "AWS_ALLOW_HTTP=true" in start_fails(tmp_path, f"s3://{bucket}/x", encrypted)
    assert store.keys(bucket) == []


def test_a_killed_write_leaves_no_object(storage: ObjectStorage, store: ObjectStore) -> None:
    client = storage.client()
    url = f"s3://{storage.bucket}/never.csv"
    endless = f"COPY (SELECT i, repeat('x', 1000) AS s FROM range(100000000) r(i)) TO '{url}'"

    def write() -> None:
        with pytest.raises(duckdb.Error):
            on_server(client, endless)

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: "Uploads" in store.client.list_multipart_uploads(Bucket=storage.bucket), "parts are sent")
    storage.server.kill()
    writer.join()
    assert store.keys(storage.bucket) == []


def test_an_interrupted_write_leaves_nothing(storage: ObjectStorage, store: ObjectStore) -> None:
    client = storage.client()
    endless = f"COPY (SELECT i, repeat('x', 1000) AS s FROM range(100000000) r(i)) TO 's3://{storage.bucket}/never.csv'"

    def is_sending() -> bool:
        return "Uploads" in store.client.list_multipart_uploads(Bucket=storage.bucket)

    def interrupt() -> None:
        until(is_sending, "parts are sent")
        client.interrupt()

    stopper = threading.Thread(target=interrupt)
    stopper.start()
    with pytest.raises(duckdb.InterruptException):
        on_server(client, endless)
    stopper.join()
    until(lambda: not is_sending(), "the parts are given up")
    assert store.keys(storage.bucket) == []


def test_a_silent_store_can_be_interrupted(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection, store: ObjectStore
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        server = start_server(environment={**store.environment, "AWS_ENDPOINT_URL": endpoint})
        connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port})")
        threading.Timer(1, connection.interrupt).start()
        begun = time.monotonic()
        with pytest.raises(duckdb.InterruptException):
            on_server(connection, "FROM read_parquet('s3://bucket/x.parquet')")
        assert time.monotonic() - begun < 10
