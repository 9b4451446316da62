"""Databases in files: they survive, several of them, and nobody writes to those that are read-only."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import Duckling

ANY_PORT = ("--listen", "127.0.0.1:0")


def wal(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def attach(connection: duckdb.DuckDBPyConnection, server: Duckling, database: str = "", name: str = "dh") -> None:
    option = f", database '{database}'" if database else ""
    connection.execute(
        f"ATTACH '{name}' (TYPE duckherder, server_host 'localhost', server_port {server.port}{option})"
    )


@pytest.fixture
def client(connect: Callable[..., duckdb.DuckDBPyConnection]) -> Callable[..., duckdb.DuckDBPyConnection]:
    """A client of a server, attached as `dh`."""

    def open_client(server: Duckling, database: str = "") -> duckdb.DuckDBPyConnection:
        connection = connect()
        attach(connection, server, database)
        return connection

    return open_client


def test_a_file_survives_a_restart(start_server: Callable[..., Duckling], client: Callable, tmp_path: Path) -> None:
    file = tmp_path / "sales.duckdb"
    arguments = (*ANY_PORT, "--database", str(file))
    server = start_server(*arguments)
    first = client(server)
    first.execute("CREATE SCHEMA dh.eu")
    first.execute("CREATE TABLE dh.eu.orders AS SELECT range AS id FROM range(1000)")
    first.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    assert wal(file).exists()
    assert server.stop() == 0
    assert not wal(file).exists(), "checkpointed"
    with duckdb.connect(str(file), read_only=True) as alone:
        assert alone.execute("SELECT count(*) FROM eu.orders").fetchone() == (1000,)
    again = client(start_server(*arguments))
    assert again.execute("SELECT count(*), sum(id) FROM dh.eu.orders").fetchone() == (1000, 499500)
    again.execute("INSERT INTO dh.t VALUES (2)")
    assert again.execute("FROM dh.t ORDER BY i").fetchall() == [(1,), (2,)]


def test_a_block_that_was_being_written_is_completed(
    start_server: Callable[..., Duckling], client: Callable, tmp_path: Path
) -> None:
    """A server that is killed in a checkpoint leaves a block of metadata, beside what the last checkpoint uses, half written."""
    file, journal = tmp_path / "x.duckdb", tmp_path / "x.duckdb.block"
    arguments = (*ANY_PORT, "--database", str(file))
    server = start_server(*arguments)
    first = client(server)
    for number in range(5):
        first.execute(f"CREATE TABLE dh.t{number} AS SELECT range AS i FROM range(1000)")
        first.execute("CHECKPOINT dh")
    assert server.stop() == 0
    assert not journal.exists()

    crashing = start_server(*arguments, environment={"DUCKLING_CRASH_AT": "in_block"})
    second = client(crashing)
    second.execute("CREATE TABLE dh.x AS SELECT range AS i FROM range(10)")
    with pytest.raises(duckdb.Error, match="(?i)lost the connection"):
        second.execute("CHECKPOINT dh")
    crashing.process.wait()
    with pytest.raises(duckdb.Error, match="Corrupt database file"):
        duckdb.connect(str(file), read_only=True)

    again = start_server(*arguments)
    third = client(again)
    for name, rows in (("t0", 1000), ("t4", 1000), ("x", 10)):
        assert third.execute(f"SELECT count(*) FROM dh.{name}").fetchone() == (rows,)
    assert again.stop() == 0
    assert not journal.exists()
    with duckdb.connect(str(file), read_only=True) as alone:
        assert alone.execute("SELECT count(*) FROM x").fetchone() == (10,)


def test_a_killed_server_recovers_what_was_committed(
    start_server: Callable[..., Duckling], client: Callable, tmp_path: Path
) -> None:
    file = tmp_path / "x.duckdb"
    arguments = (*ANY_PORT, "--database", str(file))
    server = start_server(*arguments)
    connection = client(server)
    connection.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO dh.t VALUES (2)")
    server.kill()
    assert wal(file).exists()
    again = client(start_server(*arguments))
    assert again.execute("FROM dh.t").fetchall() == [(1,)]


def test_stopping_rolls_back_what_is_open(
    start_server: Callable[..., Duckling], client: Callable, tmp_path: Path
) -> None:
    arguments = (*ANY_PORT, "--database", str(tmp_path / "x.duckdb"))
    server = start_server(*arguments)
    connection = client(server)
    connection.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO dh.t VALUES (2)")
    assert server.stop() == 0
    assert not wal(tmp_path / "x.duckdb").exists()
    assert client(start_server(*arguments)).execute("FROM dh.t").fetchall() == [(1,)]


def test_several_databases(start_server: Callable[..., Duckling], client: Callable, tmp_path: Path) -> None:
    server = start_server(
        *ANY_PORT,
        *("--database", f"sales={tmp_path / 'a.duckdb'}"),
        *("--database", f"hr={tmp_path / 'b.duckdb'}"),
        *("--database", "Scratch Pad=:memory:"),
    )
    sales, hr, scratch = client(server, "sales"), client(server, "HR"), client(server, "Scratch Pad")
    for connection, rows in ((sales, 1), (hr, 2), (scratch, 3)):
        connection.execute(f"CREATE TABLE dh.t AS SELECT range AS i FROM range({rows})")
        connection.execute("CREATE SCHEMA dh.side")
        connection.execute(f"CREATE TABLE dh.side.u AS SELECT range AS i FROM range({rows * 10})")
    for connection, rows in ((sales, 1), (hr, 2), (scratch, 3)):
        assert connection.execute("SELECT count(*) FROM dh.t").fetchone() == (rows,)
        assert connection.execute("SELECT count(*) FROM dh.side.u").fetchone() == (rows * 10,)
        connection.execute("CREATE TABLE here AS FROM dh.side.u")
        connection.execute("INSERT INTO dh.t SELECT i FROM here LIMIT 1")
        assert connection.execute("SELECT count(*) FROM dh.t").fetchone() == (rows + 1,)
    default = client(server)
    assert default.execute("SELECT count(*) FROM dh.t").fetchone() == (2,), "the first one"
    # One client, two of them
    attach(sales, server, "hr", "people")
    assert sales.execute("SELECT (SELECT count(*) FROM dh.t), (SELECT count(*) FROM people.t)").fetchone() == (2, 3)
    assert sales.execute("SELECT database_name FROM duckherder_query('dh', 'SHOW DATABASES') ORDER BY ALL").fetchall() == [
        ("Scratch Pad",),
        ("hr",),
        ("sales",),
    ], "and no other"
    assert server.stop() == 0
    for name, rows in (("a", 2), ("b", 3)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb"), read_only=True) as alone:
            assert alone.execute("SELECT count(*) FROM t").fetchone() == (rows,)


def test_a_database_named_like_a_schema_of_the_default_one(
    start_server: Callable[..., Duckling], client: Callable
) -> None:
    server = start_server(*ANY_PORT, "--database", "sales=:memory:", "--database", "hr=:memory:")
    sales = client(server)
    sales.execute("CREATE SCHEMA dh.hr")
    sales.execute("FROM duckherder_query('dh', 'CREATE TABLE sales.hr.t AS SELECT ''a schema of sales'' AS what')")
    hr = client(server, "hr")
    hr.execute("CREATE TABLE dh.t AS SELECT 'the database' AS what")
    assert hr.execute("FROM dh.t").fetchall() == [("the database",)]
    assert sales.execute("FROM dh.hr.t").fetchall() == [("a schema of sales",)]
    sales.execute("INSERT INTO dh.hr.t VALUES ('more')")
    assert hr.execute("FROM dh.t").fetchall() == [("the database",)]


def test_an_unknown_database(
    start_server: Callable[..., Duckling], connection: duckdb.DuckDBPyConnection
) -> None:
    server = start_server(*ANY_PORT, "--database", "sales=:memory:", "--database", "hr=:memory:")
    expected = 'Database "nope" does not exist on this server: it has "sales", "hr"'
    with pytest.raises(duckdb.CatalogException, match=expected):
        attach(connection, server, "nope")
    with pytest.raises(duckdb.CatalogException, match=expected):
        connection.execute(f"ATTACH 'duckherder://localhost:{server.port}/nope' AS x")


def test_a_read_only_database(start_server: Callable[..., Duckling], client: Callable, tmp_path: Path) -> None:
    file = tmp_path / "hr.duckdb"
    with duckdb.connect(str(file)) as alone:
        alone.execute("CREATE TABLE t AS SELECT 1 AS i")
    before = file.read_bytes()
    server = start_server(*ANY_PORT, "--database", str(file), "--database", "w=:memory:", "--read-only", "hr")
    reader = client(server)
    assert reader.execute("FROM dh.t").fetchall() == [(1,)]
    for statement in (
        "INSERT INTO dh.t VALUES (2)",
        "DELETE FROM dh.t",
        "CREATE TABLE dh.u (i INTEGER)",
        "CREATE TABLE dh.u AS FROM range(3)",
        "DROP TABLE dh.t",
    ):
        with pytest.raises(duckdb.InvalidInputException, match='(?s)"dh".*read-only'):
            reader.execute(statement)
    assert reader.execute("FROM dh.t").fetchall() == [(1,)]
    client(server, "w").execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    # Others may read the file meanwhile
    with duckdb.connect(str(file), read_only=True) as alone:
        assert alone.execute("FROM t").fetchall() == [(1,)]
    assert server.stop() == 0
    assert file.read_bytes() == before


@pytest.mark.parametrize("statement", ["CHECKPOINT dh", "FORCE CHECKPOINT dh"])
def test_checkpoint(
    start_server: Callable[..., Duckling], client: Callable, tmp_path: Path, statement: str
) -> None:
    files = {name: tmp_path / f"{name}.duckdb" for name in ("sales", "hr")}
    server = start_server(*ANY_PORT, *(f"--database={file}" for file in files.values()))
    sales, hr = client(server, "sales"), client(server, "hr")

    def pending(name: str) -> int:
        """Bytes of the database's write-ahead log."""
        return wal(files[name]).stat().st_size if wal(files[name]).exists() else 0

    sales.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    hr.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    assert pending("sales") > 0
    assert pending("hr") > 0
    hr.execute(statement)
    assert pending("hr") == 0
    assert pending("sales") > 0, "the other one is left alone"
    sales.execute(statement)
    assert pending("sales") == 0
    # What cannot be done is an error of DuckDB's
    sales.execute("BEGIN")
    sales.execute("CREATE TABLE dh.u (i INTEGER)")
    if statement == "CHECKPOINT dh":
        with pytest.raises(duckdb.TransactionException, match="CHECKPOINT"):
            client(server, "sales").execute(statement)
    sales.execute("ROLLBACK")


def start_local(connection: duckdb.DuckDBPyConnection, port: int, path: object) -> None:
    started = connection.execute(f"SELECT duckherder_start_local_server({port}, path := ?)", [str(path)]).fetchall()
    assert started == [(True,)]


def test_the_local_server_keeps_a_file(
    connect: Callable[..., duckdb.DuckDBPyConnection], free_port: int, tmp_path: Path
) -> None:
    file = tmp_path / "sales.duckdb"
    for rows in range(3):
        connection = connect()
        start_local(connection, free_port, file)
        connection.execute(f"ATTACH 'duckherder://localhost:{free_port}' AS dh")
        assert connection.execute("SELECT current_database FROM duckherder_query('dh', 'SELECT current_database() AS current_database')").fetchone() == ("sales",)
        connection.execute("CREATE TABLE IF NOT EXISTS dh.t (i INTEGER)")
        assert connection.execute("SELECT count(*) FROM dh.t").fetchone() == (rows,)
        connection.execute(f"INSERT INTO dh.t VALUES ({rows})")
        assert connection.execute("SELECT duckherder_stop_local_server()").fetchall() == [(True,)]
        assert not wal(file).exists(), "checkpointed"
        # Let go of: this very process can open it
        with duckdb.connect(str(file)) as alone:
            assert alone.execute("SELECT count(*) FROM t").fetchone() == (rows + 1,)


def test_the_local_server_stops_with_an_open_transaction(
    connection: duckdb.DuckDBPyConnection, free_port: int, tmp_path: Path
) -> None:
    file = tmp_path / "x.duckdb"
    start_local(connection, free_port, file)
    connection.execute(f"ATTACH 'duckherder://localhost:{free_port}' AS dh")
    connection.execute("CREATE TABLE dh.t AS SELECT 1 AS i")
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO dh.t VALUES (2)")
    connection.execute("SELECT duckherder_stop_local_server()")
    with duckdb.connect(str(file)) as alone:
        assert alone.execute("FROM t").fetchall() == [(1,)]


def test_the_local_server_and_paths_that_it_cannot_use(
    connection: duckdb.DuckDBPyConnection, start_server: Callable[..., Duckling], free_port: int, tmp_path: Path
) -> None:
    def failure(path: object) -> str:
        with pytest.raises(duckdb.InvalidInputException) as caught:
            start_local(connection, free_port, path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    assert "No such file" in failure(tmp_path / "missing" / "x.duckdb")
    locked = tmp_path / "locked.duckdb"
    holder = start_server(*ANY_PORT, "--database", str(locked))
    assert f"PID {holder.pid}" in failure(locked)
    other = tmp_path / "other"
    other.write_text("no database")
    assert "not a valid DuckDB database file" in failure(other)
    # POSIX locks do not keep a process from itself
    mine = tmp_path / "mine.duckdb"
    connection.execute(f"ATTACH '{mine}' AS mine")
    assert "this process has the file open" in failure(mine)
    connection.execute("DETACH mine")
    start_local(connection, free_port, mine)
    connection.execute("SELECT duckherder_stop_local_server()")


def test_the_path_of_the_local_server_is_a_named_argument(
    connection: duckdb.DuckDBPyConnection, free_port: int
) -> None:
    # The second one is the number of workers
    with pytest.raises(duckdb.ConversionException):
        connection.execute(f"SELECT duckherder_start_local_server({free_port}, '/tmp/x.duckdb')")
    assert connection.execute(f"SELECT duckherder_start_local_server({free_port}, path := NULL)").fetchall() == [(None,)]
    start_local(connection, free_port, ":memory:")
    connection.execute("SELECT duckherder_stop_local_server()")
