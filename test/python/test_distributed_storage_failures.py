"""A storage that is damaged, full or read-only: errors that name what is wrong, nothing by half, and it works on afterwards."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import RELEASE
from storages import Storage

LIST = "SELECT path, row_count, checksum FROM dh.duckherder.files ORDER BY ALL"
TABLES = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'dh' ORDER BY ALL"
ROWS = "FROM dh.t ORDER BY ALL"
#: Each has to read the rows of the second file of `dh.t`.
STATEMENTS = (
    "SELECT sum(i), max(s) FROM dh.t",
    "UPDATE dh.t SET s = 'changed' WHERE i = 1500",
    "UPDATE dh.t SET s = 'changed' RETURNING i",
    "DELETE FROM dh.t WHERE i = 1500",
    "DELETE FROM dh.t WHERE s < 'row 2'",
    "MERGE INTO dh.t USING dh.range(1490, 1510) r(i) USING (i) WHEN MATCHED THEN UPDATE SET s = 'merged'",
    "INSERT INTO dh.t SELECT i + 5000, s FROM dh.t",
    "CREATE TABLE dh.copy WITH (distributed = true) AS FROM dh.t",
    "ALTER TABLE dh.t ALTER i TYPE BIGINT",
)


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    """`dh.t` has two files, of 1000 rows each, and `dh.n` is native."""
    connection = storage.client()
    connection.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR) WITH (distributed = true)")
    for first in (0, 1000):
        connection.execute(f"INSERT INTO dh.t SELECT range, 'row ' || range FROM dh.range({first}, {first + 1000})")
    connection.execute("CREATE TABLE dh.n AS SELECT 1 AS i")
    return connection


@pytest.fixture
def file(storage: Storage, client: duckdb.DuckDBPyConnection) -> Path:
    """The second file of `dh.t`."""
    ((path,),) = client.execute("SELECT path FROM dh.duckherder.files QUALIFY row_number() OVER (ORDER BY path) = 2").fetchall()
    return storage.folder / path


def lose(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def overwrite(file: Path) -> None:
    file.write_bytes(b"not Parquet" * 500)


def lengthen_footer(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-8] + b"\xff\xff\xff\x7f" + content[-4:])


def damage_footer(file: Path) -> None:
    content = file.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    file.write_bytes(content[: -8 - length] + b"\xff" * length + content[-8:])


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def damage_page(file: Path) -> None:
    """A page of values is not compressed if it does not pay, and Parquet has no checksum of it."""
    content = bytearray(file.read_bytes())
    place = len(content) // 3
    content[place : place + 8] = bytes(8)
    file.write_bytes(content)


def shorten_rows(file: Path) -> None:
    """A file as it could be there, but not this one."""
    duckdb.sql(f"COPY (FROM '{file}' LIMIT 500) TO '{file}' (FORMAT parquet, USE_TMP_FILE true)")


DAMAGES = (lose, empty, cut, overwrite, lengthen_footer, damage_footer, replace_by_folder, damage_page, shorten_rows)


def test_a_copy_of_a_file_is_as_good(client: duckdb.DuckDBPyConnection, file: Path) -> None:
    """It has another time; its checksum tells that it is the same."""
    before = client.execute(ROWS).fetchall()
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    assert client.execute(ROWS).fetchall() == before
    assert client.execute(ROWS).fetchall() == before
    damage_page(file)
    with pytest.raises(duckdb.IOException, match=re.escape(file.name)):
        client.execute(ROWS).fetchall()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_nothing_changes(
    storage: Storage, client: duckdb.DuckDBPyConnection, file: Path, damage: Callable[[Path], None], workers: int
) -> None:
    storage.work_with(workers, client)
    client.execute(f"SET duckherder_distribution = '{'force' if workers else 'auto'}'")
    before = [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)]
    content = file.read_bytes()
    damage(file)
    for statement in STATEMENTS:
        with pytest.raises(duckdb.Error, match=re.escape(file.name)) as failure:
            client.execute(statement).fetchall()
        assert isinstance(failure.value, (duckdb.IOException, duckdb.InvalidInputException)), statement
        client.execute("BEGIN")
        client.execute("INSERT INTO dh.n VALUES (2)")
        with pytest.raises(duckdb.Error, match=re.escape(file.name)):
            client.execute(statement).fetchall()
        client.execute("ROLLBACK")
        assert [client.execute(query).fetchall() for query in (LIST, TABLES)] == before[:2], statement
    client.execute("INSERT INTO dh.t VALUES (7000, 'needs no other file')")
    if file.is_dir():
        file.rmdir()
    file.write_bytes(content)
    client.execute("DELETE FROM dh.t WHERE i = 7000")
    assert [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)] == before
    assert client.execute("FROM dh.n").fetchall() == [(1,)]
    storage.check_list(client)


def test_a_table_whose_files_are_lost_can_be_dropped(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    for file in storage.files():
        file.unlink()
    client.execute("DROP TABLE dh.t")
    client.execute("CREATE TABLE dh.t WITH (distributed = true) AS SELECT 1 AS i")
    assert client.execute("FROM dh.t").fetchall() == [(1,)]


class Small:
    """The folder of a storage, a file system of 2 MB of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"nothing can be mounted: {mounted.stderr.strip()}")

    def remount(self, mode: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{mode}", str(self.folder)], check=True)

    def end(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    # Before the servers, which are to end before it goes
    result = Small(tmp_path / "storage")
    yield result
    result.end()


@pytest.fixture
def on_small(small: Small, start_server: Callable, connect: Callable, tmp_path: Path) -> Storage:
    return Storage(start_server, connect, tmp_path)


@pytest.fixture
def with_rows(on_small: Storage) -> duckdb.DuckDBPyConnection:
    """`dh.t` has files that take a third of the small storage, and `dh.n` is native."""
    client = on_small.client()
    client.execute("CREATE TABLE dh.t (i INTEGER, s VARCHAR) WITH (distributed = true)")
    for first in (0, 10_000):
        client.execute(f"INSERT INTO dh.t SELECT range, md5(range::VARCHAR) FROM dh.range({first}, {first + 10_000})")
    client.execute("CREATE TABLE dh.n AS SELECT 1 AS i")
    return client


#: Statements that write more than there is room for
LARGE = (
    "INSERT INTO dh.t SELECT range, md5(range::VARCHAR) FROM dh.range(1000000)",
    "INSERT INTO dh.t SELECT range, md5(range::VARCHAR) FROM range(1000000)",
    "INSERT INTO dh.t SELECT range, md5(range::VARCHAR) FROM dh.range(1000000) RETURNING i",
    "CREATE TABLE dh.copy WITH (distributed = true) AS SELECT range AS i, md5(range::VARCHAR) AS s FROM dh.range(1000000)",
    "UPDATE dh.t SET s = s || sha256(s) || sha256(s || i) || md5(s || i)",
    "MERGE INTO dh.t USING dh.range(1000000) r(i) USING (i) WHEN MATCHED THEN UPDATE SET s = md5(s)"
    " WHEN NOT MATCHED THEN INSERT VALUES (r.i, md5(r.i::VARCHAR))",
    "ALTER TABLE dh.t ALTER s TYPE VARCHAR USING s || sha256(s) || sha256(s || i) || sha256(s || i || i)",
)


@pytest.mark.parametrize("statement", LARGE)
def test_a_full_storage(on_small: Storage, with_rows: duckdb.DuckDBPyConnection, statement: str) -> None:
    client = with_rows
    before = [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)]
    for _ in range(3):
        with pytest.raises(duckdb.IOException, match="(?i)no space left|space") as failure:
            client.execute(statement).fetchall()
        assert str(on_small.folder) in str(failure.value), failure.value
        assert [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)] == before
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.n VALUES (2)")
    with pytest.raises(duckdb.IOException):
        client.execute(statement).fetchall()
    client.execute("ROLLBACK")
    assert [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)] == before
    client.execute("INSERT INTO dh.t VALUES (-1, 'there is room for this')")
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (20_001,)
    assert client.execute("FROM dh.n").fetchall() == [(1,)]
    on_small.check_list(client)
    on_small.server.kill()
    on_small.begin()
    again = on_small.client()
    again.execute("DELETE FROM dh.t WHERE i = -1")
    assert again.execute(ROWS).fetchall() == before[2]


def test_a_read_only_storage(small: Small, on_small: Storage, with_rows: duckdb.DuckDBPyConnection) -> None:
    client = with_rows
    before = [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)]
    small.remount("ro")
    for statement in (
        "INSERT INTO dh.t VALUES (-1, 'x')",
        "INSERT INTO dh.t SELECT range, 'x' FROM range(10)",
        "UPDATE dh.t SET s = 'x' WHERE i = 1",
        "DELETE FROM dh.t WHERE i = 1",
        "DELETE FROM dh.t WHERE i % 2 = 1 RETURNING s",
        "MERGE INTO dh.t USING dh.range(10) r(i) USING (i) WHEN MATCHED THEN DELETE",
        "CREATE TABLE dh.copy WITH (distributed = true) AS FROM dh.t",
        "ALTER TABLE dh.t ALTER i TYPE BIGINT",
    ):
        with pytest.raises(duckdb.IOException, match="(?i)read-only file system") as failure:
            client.execute(statement).fetchall()
        assert str(on_small.folder) in str(failure.value), failure.value
        assert [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)] == before, statement
    # What needs no file works
    client.execute("BEGIN")
    client.execute("TRUNCATE dh.t")
    client.execute("ALTER TABLE dh.t ADD COLUMN n INTEGER DEFAULT 3")
    client.execute("INSERT INTO dh.n FROM dh.n")
    client.execute("CREATE TABLE dh.more (i INTEGER) WITH (distributed = true)")
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (0,)
    client.execute("ROLLBACK")
    # So does a server that starts on it
    on_small.server.kill()
    on_small.begin()
    again = on_small.client()
    assert [again.execute(query).fetchall() for query in (LIST, TABLES, ROWS)] == before
    small.remount("rw")
    again.execute("UPDATE dh.t SET s = 'x' WHERE i = 1")
    assert again.execute("SELECT i FROM dh.t WHERE s = 'x'").fetchall() == [(1,)]
    on_small.check_list(again)


@pytest.mark.parametrize("storage_of", ["file/below", "/proc/storage", "file"])
def test_a_storage_that_cannot_be(tmp_path: Path, storage_of: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / storage_of
    command = [str(RELEASE / "duckling-server"), "--listen", "127.0.0.1:0", "--storage", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert ended.returncode != 0
    assert str(path) in ended.stderr and "storage" in ended.stderr, ended.stderr


def test_a_storage_that_goes_while_a_server_runs(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    """As a network mount may, which comes back."""
    away = storage.folder.with_name("away")
    before = [client.execute(query).fetchall() for query in (LIST, TABLES, ROWS)]
    storage.folder.rename(away)
    for statement in STATEMENTS:
        with pytest.raises(duckdb.IOException, match=re.escape(str(storage.folder))):
            client.execute(statement).fetchall()
    assert [client.execute(query).fetchall() for query in (LIST, TABLES)] == before[:2]
    assert not storage.folder.exists()
    away.rename(storage.folder)
    assert client.execute(ROWS).fetchall() == before[2]
    client.execute("DELETE FROM dh.t WHERE i = 1")
    assert client.execute("SELECT count(*) FROM dh.t").fetchone() == (1999,)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO dh.t VALUES (-1, 'x')",
        "CREATE TABLE dh.more WITH (distributed = true) AS SELECT 1 AS i",
    ],
)
def test_nothing_is_written_where_the_storage_was(storage: Storage, client: duckdb.DuckDBPyConnection, statement: str) -> None:
    storage.folder.rename(storage.folder.with_name("away"))
    with pytest.raises(duckdb.IOException, match=re.escape(str(storage.folder))):
        client.execute(statement)
    assert not storage.folder.exists()
