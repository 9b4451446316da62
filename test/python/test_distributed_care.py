"""The functions that look after distributed tables: what files there are, whether they are whole, which can go."""

import time
from pathlib import Path

import duckdb
import pytest
from storages import Storage
from waiting import until

VACUUM = "SELECT count(*) FROM duckherder_vacuum({}older_than := INTERVAL 0 SECOND)"


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    connection = storage.client()
    connection.execute("CREATE SCHEMA dh.s")
    for name in ("dh.t", "dh.s.u"):
        connection.execute(f"CREATE TABLE {name} (i INTEGER, h HUGEINT) WITH (distributed = true)")
        for first in (0, 10, 20):
            connection.execute(f"INSERT INTO {name} SELECT range, range FROM dh.range({first}, {first + 10})")
    return connection


def vacuum(client: duckdb.DuckDBPyConnection, table: str = "") -> int:
    return client.execute(VACUUM.format(f"'{table}', " if table else "")).fetchone()[0]


def test_files(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    rows = client.execute("SELECT path, row_count, file_size_bytes, column_names FROM duckherder_table_files('dh.s.u')").fetchall()
    assert [row[1] for row in rows] == [10, 10, 10]
    for path, _, size, names in rows:
        assert Path(path) in storage.files()
        assert Path(path).stat().st_size == size
        assert names == ["i", "h"]
    client.execute("USE dh")
    assert client.execute("SELECT count(*) FROM duckherder_table_files('s.u')").fetchone() == (3,)
    client.execute("CREATE TABLE native (i INTEGER)")
    for name, error in (("native", "no distributed table"), ("nothing", "does not exist"), ("dh.t.x.y", "")):
        with pytest.raises(duckdb.Error, match=error):
            client.execute(f"FROM duckherder_table_files('{name}')")


def test_check(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    assert client.execute("SELECT table_name, count(*), bool_and(is_whole) FROM duckherder_check() GROUP BY ALL ORDER BY ALL").fetchall() == [
        ("t", 3, True),
        ("u", 3, True),
    ]
    lost, damaged = (Path(row[0]) for row in client.execute("SELECT path FROM duckherder_table_files('dh.t') LIMIT 2").fetchall())
    lost.unlink()
    with damaged.open("r+b") as file:
        file.seek(10)
        file.write(b"damage")
    problems = client.execute("SELECT path, problem FROM duckherder_check('dh.t') WHERE NOT is_whole").fetchall()
    assert problems == [(str(lost), "missing"), (str(damaged), "damaged: its checksum is another one")]


def test_vacuum_removes_what_nobody_lists(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    before = storage.files()
    client.execute("UPDATE dh.t SET h = -h WHERE i < 15")
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1, 1)")
    client.execute("CREATE TABLE dh.gone WITH (distributed = true) AS SELECT 1 AS i")
    client.execute("ROLLBACK")
    assert len(storage.files()) == len(before) + 4
    assert client.execute("SELECT count(*) FROM duckherder_vacuum()").fetchone() == (0,), "too young"
    assert vacuum(client, "dh.s.u") == 0
    assert vacuum(client, "dh.t") == 3
    assert vacuum(client) == 1
    listed = client.execute("SELECT path FROM duckherder_table_files('dh.t') UNION ALL SELECT path FROM duckherder_table_files('dh.s.u')")
    assert {Path(row[0]) for row in listed.fetchall()} == storage.files()
    assert client.execute("SELECT count(*), sum(h) FROM dh.t").fetchone() == (30, 435 - 2 * 105)
    client.execute("DROP TABLE dh.t")
    assert vacuum(client) == 0, "what it takes off the list may still be read by others"
    assert vacuum(client) == 3
    assert client.execute("SELECT sum(i) FROM dh.s.u").fetchone() == (435,)


def test_vacuum_keeps_what_a_transaction_reads_or_has_written(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    reader, writer = storage.client(), storage.client()
    reader.execute("BEGIN")
    assert reader.execute("SELECT sum(h) FROM dh.t").fetchone() == (435,)
    writer.execute("BEGIN")
    writer.execute("INSERT INTO dh.s.u VALUES (1000, 0)")
    client.execute("DELETE FROM dh.t")
    assert vacuum(client) == 0
    assert reader.execute("SELECT sum(h) FROM dh.t").fetchone() == (435,)
    reader.execute("COMMIT")
    assert vacuum(client) == 0, "the writer is older than what it could remove"
    writer.execute("COMMIT")
    assert vacuum(client) == 3
    assert reader.execute("SELECT count(*) FROM dh.t").fetchone() == (0,)
    assert reader.execute("SELECT max(i) FROM dh.s.u").fetchone() == (1000,)


def test_vacuum_keeps_what_was_listed_after_an_earlier_one(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    """A file that a vacuum has seen before it was listed may be listed, read, and replaced before the next one."""
    writer, reader = storage.client(), storage.client()
    writer.execute("BEGIN")
    writer.execute("INSERT INTO dh.t VALUES (1000, 1000)")
    assert vacuum(client) == 0
    writer.execute("COMMIT")
    reader.execute("BEGIN")
    assert reader.execute("SELECT max(i) FROM dh.t").fetchone() == (1000,)
    client.execute("UPDATE dh.t SET h = 0 WHERE i = 1000")
    assert vacuum(client) == 0
    assert vacuum(client) == 0
    assert reader.execute("SELECT max(h) FROM dh.t").fetchone() == (1000,)
    reader.execute("COMMIT")
    assert vacuum(client) == 1


def test_vacuum_is_no_part_of_a_transaction(client: duckdb.DuckDBPyConnection) -> None:
    client.execute("BEGIN")
    with pytest.raises(duckdb.BinderException, match="cannot be part of a transaction"):
        vacuum(client)
    client.execute("ROLLBACK")


def test_compact(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    expected = client.execute("FROM dh.t").fetchall()
    client.execute("ALTER TABLE dh.t ADD COLUMN s VARCHAR DEFAULT 'old'")
    client.execute("INSERT INTO dh.t VALUES (99, NULL, 'new')")
    assert client.execute("FROM duckherder_compact('dh.t')").fetchone() == (31,)
    assert client.execute("SELECT row_count, column_names FROM duckherder_table_files('dh.t')").fetchall() == [
        (31, ["i", "h", "s"])
    ]
    assert client.execute("FROM dh.t").fetchall() == [(*row, "old") for row in expected] + [(99, None, "new")]
    assert client.execute("FROM duckherder_compact('dh.t')").fetchone() == (0,)
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (31,)
    client.execute("INSERT INTO dh.t VALUES (7, 7, 'small')")
    assert client.execute("FROM duckherder_compact('dh.t', target_size := '10 bytes')").fetchone() == (0,)
    client.execute("BEGIN")
    assert client.execute("FROM duckherder_compact('dh.t')").fetchone() == (32,)
    client.execute("ROLLBACK")
    assert client.execute("SELECT count(*) FROM duckherder_table_files('dh.t')").fetchone() == (2,)
    assert vacuum(client) == 5


def test_compaction_and_a_writer_conflict(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    other = storage.client()
    other.execute("BEGIN")
    other.execute("FROM dh.t").fetchall()
    client.execute("FROM duckherder_compact('dh.t')").fetchall()
    with pytest.raises(duckdb.TransactionException, match="Conflict"):
        other.execute("DELETE FROM dh.t WHERE i = 3")
    other.execute("ROLLBACK")
    other.execute("BEGIN")
    other.execute("INSERT INTO dh.t VALUES (1, 1)")
    client.execute("INSERT INTO dh.t VALUES (2, 2)")
    client.execute("FROM duckherder_compact('dh.t')").fetchall()
    other.execute("COMMIT")
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (32,)


def test_many_small_inserts(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    for i in range(60):
        client.execute("INSERT INTO dh.s.u VALUES (?, 0)", [i])
    assert client.execute("FROM duckherder_compact('dh.s.u')").fetchone() == (90,)
    assert vacuum(client) == 63
    assert client.execute("SELECT count(*), sum(i) FROM dh.s.u").fetchone() == (90, 435 + sum(range(60)))


def test_without_storage(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    storage.server.stop()
    storage.arguments = storage.arguments[:2]
    storage.begin()
    again = storage.client()
    for call in ("duckherder_check()", "duckherder_vacuum()", "duckherder_compact('dh.t')"):
        with pytest.raises(duckdb.InvalidInputException, match="--storage DIR"):
            again.execute(f"FROM {call}")


def restart(storage: Storage, interval: str) -> None:
    """With another interval at which the server looks after its tables."""
    storage.server.stop()
    storage.arguments = (*storage.arguments[:-1], interval)
    storage.begin()


def test_small_files_are_compacted_by_themselves(storage: Storage) -> None:
    """A thousand INSERTs do not make a thousand files for ever, each row is written anew a few times only, and nobody conflicts."""
    restart(storage, "200ms")
    client, other = storage.client(), storage.client()
    client.execute("CREATE TABLE dh.t (i INTEGER, k INTEGER) PARTITIONED BY (k) WITH (distributed = true)")
    for i in range(100):
        client.execute("INSERT INTO dh.t VALUES ($1, $1 % 2)", [i])
        if i % 10 == 0:
            other.execute("UPDATE dh.t SET i = i WHERE i = $1", [i])
    files = "SELECT partition_values, count(*) FROM duckherder_table_files('dh.t') GROUP BY ALL ORDER BY ALL"
    until(lambda: all(count < 16 for _, count in client.execute(files).fetchall()), "small files are compacted")
    assert client.execute("SELECT count(*), sum(i) FROM dh.t").fetchone() == (100, sum(range(100)))
    assert [values for values, _ in client.execute(files).fetchall()] == [["0"], ["1"]]


def test_compaction_gives_way(storage: Storage) -> None:
    """A transaction that runs for long is not made to fail by what the server does by itself."""
    restart(storage, "100ms")
    client, other = storage.client(), storage.client()
    client.execute("CREATE TABLE dh.t (i INTEGER) WITH (distributed = true)")
    other.execute("BEGIN")
    other.execute("FROM dh.t").fetchall()
    for i in range(40):
        client.execute("INSERT INTO dh.t VALUES (?)", [i])
    other.execute("ROLLBACK")
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM dh.t").fetchone() == (40,)
    time.sleep(1)
    other.execute("UPDATE dh.t SET i = -i WHERE i < 20")
    other.execute("COMMIT")
    files = "SELECT count(*) FROM duckherder_table_files('dh.t')"
    until(lambda: client.execute(files).fetchone()[0] < 16, "small files are compacted as soon as nobody minds")
    assert client.execute("SELECT sum(i) FROM dh.t").fetchone() == (sum(range(20, 40)) - sum(range(20)),)
    with pytest.raises(duckdb.BinderException, match="cannot be part of a transaction"):
        client.execute("BEGIN").execute("FROM duckherder_compact('dh.t', gives_way := true)")
    client.execute("ROLLBACK")


def test_a_copy_of_a_database_removes_no_files(storage: Storage, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of the original's, which it does not list."""
    restart(storage, "100ms")
    client = storage.client()
    client.execute("CREATE TABLE dh.t WITH (distributed = true) AS SELECT 1 AS i")
    until(lambda: list(storage.folder.glob("*.owner")), "the database is known to own its files")
    restart(storage, "0s")
    original = storage.arguments
    copied = tmp_path / "copy.duckdb"
    storage.server.stop()
    copied.write_bytes(Path(original[1]).read_bytes())
    storage.begin()
    storage.client().execute("INSERT INTO dh.t SELECT 2")
    storage.server.stop()
    storage.arguments = ("--database", str(copied), *original[2:-1], "100ms")
    storage.begin()
    until(lambda: "looks like a copy" in capfd.readouterr().err, "the server says why it removes nothing")
    storage.server.stop()
    storage.arguments = original
    storage.begin()
    assert storage.client().execute("SELECT sum(i) FROM dh.t").fetchone() == (3,)
