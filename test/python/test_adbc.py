"""What a client without our extension can do: a stand-alone server driven with the ADBC Flight SQL driver."""

import datetime
import decimal
import threading
import time
from collections.abc import Callable, Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
import pyarrow
import pytest
from adbc_driver_flightsql import ConnectionOptions
from adbc_driver_manager import AdbcStatusCode
from conftest import Duckling

#: Would run for hours.
ENDLESS = "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c WHERE a.range + b.range <> c.range"
#: Rows without end
ENDLESS_ROWS = "SELECT a.range AS i FROM range(10000000) a, range(10000000) b"
INGESTED_ROWS = 1_000_000
LIMIT_S = 30


@pytest.fixture
def open_client(server: Duckling) -> Iterator[Callable[..., flight_sql.Connection]]:
    """Open connections to one server; all close with the test."""
    clients: list[flight_sql.Connection] = []

    def open_connection(*, autocommit: bool = True) -> flight_sql.Connection:
        clients.append(flight_sql.connect(f"grpc://127.0.0.1:{server.port}", autocommit=autocommit))
        return clients[-1]

    yield open_connection
    for client in clients:
        client.close()


@pytest.fixture
def client(open_client: Callable[..., flight_sql.Connection]) -> flight_sql.Connection:
    """A connection whose statements commit themselves."""
    return open_client()


def query(client: flight_sql.Connection, sql: str, parameters: tuple | None = None) -> list[tuple]:
    with client.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def value(client: flight_sql.Connection, sql: str, parameters: tuple | None = None) -> object:
    ((found,),) = query(client, sql, parameters)
    return found


def ingest(client: flight_sql.Connection, table: str, rows: pyarrow.Table | pyarrow.RecordBatchReader, mode: str, **options: bool) -> int:
    with client.cursor() as cursor:
        return cursor.adbc_ingest(table, rows, mode=mode, **options)


def integers(*values: int | None) -> pyarrow.Table:
    return pyarrow.table({"i": pyarrow.array(values, pyarrow.int64())})


# Queries


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("true", True),
        ("(-128)::TINYINT", -128),
        ("9223372036854775807", 9223372036854775807),
        ("18446744073709551615::UBIGINT", 18446744073709551615),
        ("1.5::FLOAT", 1.5),
        ("'-inf'::DOUBLE", float("-inf")),
        ("12345678901234567890.123456789::DECIMAL(38, 9)", decimal.Decimal("12345678901234567890.123456789")),
        ("'gänse 🦆'", "gänse 🦆"),
        ("repeat('x', 100000)", "x" * 100_000),
        (r"'\x00\xFF'::BLOB", b"\x00\xff"),
        ("DATE '2024-02-29'", datetime.date(2024, 2, 29)),
        ("TIME '23:59:59.999999'", datetime.time(23, 59, 59, 999999)),
        ("TIMESTAMP '2024-02-29 12:00:00.123456'", datetime.datetime(2024, 2, 29, 12, 0, 0, 123456)),
        ("[1, NULL, 3]", [1, None, 3]),
        ("{'a': 1, 'b': [{'c': 'x'}]}", {"a": 1, "b": [{"c": "x"}]}),
        ("MAP {'a': 1}", [("a", 1)]),
        ("'small'::ENUM('small', 'big')", "small"),
        ("NULL::INTEGER", None),
        ("NULL", None),
    ],
)
def test_types(client: flight_sql.Connection, sql: str, expected: object) -> None:
    assert value(client, f"SELECT {sql}") == expected


def test_large_results_arrive_whole_and_in_order(client: flight_sql.Connection) -> None:
    with client.cursor() as cursor:
        cursor.execute("SELECT range AS i FROM range(2000000) ORDER BY i")
        found = cursor.fetch_arrow_table()
    assert found["i"].to_numpy().tolist() == list(range(2_000_000))


def test_empty_results_have_their_columns(client: flight_sql.Connection) -> None:
    with client.cursor() as cursor:
        cursor.execute("SELECT 1::SMALLINT AS a, 'x' AS b WHERE false")
        found = cursor.fetch_arrow_table()
    assert found.num_rows == 0
    assert [(field.name, str(field.type)) for field in found.schema] == [("a", "int16"), ("b", "string")]


def test_schema_without_running(client: flight_sql.Connection) -> None:
    with client.cursor() as cursor:
        schema = cursor.adbc_execute_schema(ENDLESS)
    assert [(field.name, str(field.type)) for field in schema] == [("count_star()", "int64")]


def test_cursors_of_one_connection_read_in_turn(client: flight_sql.Connection) -> None:
    cursors = [client.cursor() for _ in range(5)]
    try:
        for number, cursor in enumerate(cursors):
            cursor.execute(f"SELECT range * {number + 1} AS i FROM range(300000)")
        for row in range(1000):
            for number, cursor in enumerate(cursors):
                assert cursor.fetchone() == (row * (number + 1),)
        for number, cursor in enumerate(cursors):
            assert len(cursor.fetchall()) == 299_000, f"cursor {number}"
    finally:
        for cursor in cursors:
            cursor.close()


def test_what_is_created_can_be_queried_at_once(client: flight_sql.Connection) -> None:
    for number in range(20):
        with client.cursor() as cursor:
            # Nothing is fetched: the driver goes on when `execute` returns.
            cursor.execute(f"CREATE TABLE t{number} (i INTEGER)")
            cursor.execute(f"INSERT INTO t{number} VALUES ({number})")
        assert query(client, f"FROM t{number}") == [(number,)]


def test_changes_are_counted(client: flight_sql.Connection) -> None:
    query(client, "CREATE TABLE t AS FROM range(10) t(i)")
    with client.cursor() as cursor:
        assert cursor.adbc_statement is not None
        cursor.adbc_statement.set_sql_query("UPDATE t SET i = i + 1 WHERE i < 4")
        assert cursor.adbc_statement.execute_update() == 4
        cursor.adbc_statement.set_sql_query("DELETE FROM t WHERE i > 5")
        assert cursor.adbc_statement.execute_update() == 4


# Parameters


@pytest.mark.parametrize(
    "given",
    [True, 42, -(2**62), 1.25, "text", "", b"\x00\x01", datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3)],
)
def test_parameters_of_many_types(client: flight_sql.Connection, given: object) -> None:
    assert value(client, "SELECT ? AS found", (given,)) == given


def test_parameters_decide_the_type_of_a_result(client: flight_sql.Connection) -> None:
    assert value(client, "SELECT ? + ?", (40, 2)) == 42
    assert value(client, "SELECT ? + ?", (1.5, 2.0)) == 3.5


def test_null_parameters(client: flight_sql.Connection) -> None:
    assert query(client, "SELECT ?::INTEGER, coalesce(?, 'none')", (None, None)) == [(None, "none")]


def test_one_prepared_statement_runs_again_with_other_values(client: flight_sql.Connection) -> None:
    query(client, "CREATE TABLE t AS SELECT range AS i, 'name ' || range AS name FROM range(1000)")
    with client.cursor() as cursor:
        schema = cursor.adbc_prepare("SELECT name FROM t WHERE i = ?")
        assert schema is not None
        assert len(schema) == 1
        for i in (3, 999, 0, 1000):
            cursor.execute("SELECT name FROM t WHERE i = ?", (i,))
            assert cursor.fetchall() == ([(f"name {i}",)] if i < 1000 else [])


@pytest.mark.parametrize("given", [(), (1,), (1, 2, 3)])
def test_a_wrong_number_of_parameters(client: flight_sql.Connection, given: tuple) -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="2 parameters") as raised:
        query(client, "SELECT ?::INTEGER + ?::INTEGER", given)
    assert raised.value.status_code == AdbcStatusCode.INVALID_ARGUMENT
    assert value(client, "SELECT ?::INTEGER + ?::INTEGER", (1, 2)) == 3


def test_batches_of_parameters(client: flight_sql.Connection) -> None:
    query(client, "CREATE TABLE t (i INTEGER, name VARCHAR)")
    rows = [(i, None if i % 7 == 0 else f"name {i}") for i in range(5000)]
    with client.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (?, ?)", rows)
        assert cursor.rowcount == 5000
        cursor.executemany("UPDATE t SET name = ? WHERE i = ?", [("changed", 1), (None, 2), ("changed", 10_000)])
        assert cursor.rowcount == 2
    expected = {**dict(rows), 1: "changed", 2: None}
    assert dict(query(client, "FROM t")) == expected


def test_a_batch_of_parameters_changes_all_or_nothing(client: flight_sql.Connection) -> None:
    query(client, "CREATE TABLE t (i INTEGER PRIMARY KEY)")
    with client.cursor() as cursor, pytest.raises(adbc_driver_manager.Error, match="uplicate key"):
        cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (1,)])
    assert value(client, "SELECT count(*) FROM t") == 0


# Ingest


def test_a_million_rows(client: flight_sql.Connection) -> None:
    rows = pyarrow.table(
        {
            "i": pyarrow.array(range(INGESTED_ROWS), pyarrow.int64()),
            "name": pyarrow.array([None if i % 10 == 0 else f"name {i}" for i in range(INGESTED_ROWS)]),
            "amount": pyarrow.array([i / 4 for i in range(INGESTED_ROWS)]),
        }
    )
    # The driver sends a batch as one message, and refuses to send more than 16 MiB.
    def batches() -> pyarrow.RecordBatchReader:
        return pyarrow.RecordBatchReader.from_batches(rows.schema, rows.to_batches(max_chunksize=100_000))

    assert ingest(client, "t", batches(), "create") == INGESTED_ROWS
    found = query(client, "SELECT count(*), count(name), sum(i), sum(amount), count(DISTINCT i) FROM t")
    total = INGESTED_ROWS * (INGESTED_ROWS - 1) // 2
    assert found == [(INGESTED_ROWS, INGESTED_ROWS * 9 // 10, total, total / 4, INGESTED_ROWS)]
    assert ingest(client, "t", batches(), "append") == INGESTED_ROWS
    assert value(client, "SELECT count(*) FROM t") == 2 * INGESTED_ROWS


def test_ingest_modes(client: flight_sql.Connection) -> None:
    ingest(client, "t", integers(1, 2), "create")
    ingest(client, "t", integers(3), "append")
    assert query(client, "FROM t") == [(1,), (2,), (3,)]
    ingest(client, "t", pyarrow.table({"other": ["x"]}), "replace")
    assert query(client, "SELECT other FROM t") == [("x",)]
    ingest(client, "u", integers(1), "create_append")
    ingest(client, "u", integers(None), "create_append")
    assert query(client, "FROM u") == [(1,), (None,)]


def test_ingest_refuses(client: flight_sql.Connection) -> None:
    ingest(client, "t", integers(1), "create")
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="already exists") as raised:
        ingest(client, "t", integers(2), "create")
    assert raised.value.status_code == AdbcStatusCode.ALREADY_EXISTS
    with pytest.raises(adbc_driver_manager.ProgrammingError) as raised:
        ingest(client, "missing", integers(2), "append")
    assert raised.value.status_code == AdbcStatusCode.NOT_FOUND
    with pytest.raises(adbc_driver_manager.Error):
        ingest(client, "t", pyarrow.table({"unknown": [1]}), "append")
    assert query(client, "FROM t") == [(1,)]


def test_ingest_into_a_temporary_table(open_client: Callable[..., flight_sql.Connection]) -> None:
    one, two = open_client(), open_client()
    assert ingest(one, "t", integers(1, 2), "create", temporary=True) == 2
    assert query(one, "FROM temp.t") == [(1,), (2,)]
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="does not exist"):
        query(two, "FROM t")


def test_ingest_into_a_schema(client: flight_sql.Connection) -> None:
    query(client, "CREATE SCHEMA s")
    with client.cursor() as cursor:
        cursor.adbc_ingest("t", integers(7), mode="create", catalog_name="memory", db_schema_name="s")
    assert query(client, "FROM memory.s.t") == [(7,)]


@pytest.mark.parametrize("commit", [True, False])
def test_ingest_belongs_to_the_transaction(open_client: Callable[..., flight_sql.Connection], commit: bool) -> None:
    writer, reader = open_client(autocommit=False), open_client()
    query(reader, "CREATE TABLE t (i BIGINT)")
    assert ingest(writer, "t", integers(*range(10_000)), "append") == 10_000
    assert value(writer, "SELECT count(*) FROM t") == 10_000
    assert value(reader, "SELECT count(*) FROM t") == 0
    if commit:
        writer.commit()
    else:
        writer.rollback()
    assert value(reader, "SELECT count(*) FROM t") == (10_000 if commit else 0)


# Transactions


def test_transactions_are_isolated(open_client: Callable[..., flight_sql.Connection]) -> None:
    one, two = open_client(autocommit=False), open_client(autocommit=False)
    query(one, "CREATE TABLE t (i INTEGER)")
    one.commit()
    assert query(two, "FROM t") == []
    query(one, "INSERT INTO t VALUES (1)")
    assert query(one, "FROM t") == [(1,)]
    assert query(two, "FROM t") == []
    one.commit()
    assert query(two, "FROM t") == [], "two's transaction began before one's commit"
    two.rollback()
    assert query(two, "FROM t") == [(1,)]
    query(one, "DELETE FROM t")
    one.rollback()
    assert query(one, "FROM t") == [(1,)]


def test_what_is_not_committed_goes_with_the_connection(
    server: Duckling, open_client: Callable[..., flight_sql.Connection]
) -> None:
    reader = open_client()
    query(reader, "CREATE TABLE t (i INTEGER)")
    with flight_sql.connect(f"grpc://127.0.0.1:{server.port}") as writer:
        query(writer, "INSERT INTO t VALUES (1)")
    assert query(reader, "FROM t") == []


def test_a_conflict_aborts(open_client: Callable[..., flight_sql.Connection]) -> None:
    one, two = open_client(autocommit=False), open_client(autocommit=False)
    query(one, "CREATE TABLE t AS SELECT 0 AS i")
    one.commit()
    query(two, "SELECT count(*) FROM t")
    query(one, "UPDATE t SET i = 1")
    with pytest.raises(adbc_driver_manager.Error, match="onflict") as raised:
        query(two, "UPDATE t SET i = 2")
    assert "Aborted" in str(raised.value), "gRPC's code, which ADBC has no name for"
    with pytest.raises(adbc_driver_manager.Error, match="aborted"):
        query(two, "SELECT 1")
    two.rollback()
    one.commit()
    query(two, "UPDATE t SET i = i + 10")
    two.commit()
    assert query(one, "FROM t") == [(11,)]


def test_autocommit_can_be_switched(client: flight_sql.Connection, open_client: Callable) -> None:
    other = open_client()
    query(client, "CREATE TABLE t (i INTEGER)")
    client.adbc_connection.set_autocommit(False)
    query(client, "INSERT INTO t VALUES (1)")
    assert query(other, "FROM t") == []
    client.adbc_connection.set_autocommit(True)
    assert query(other, "FROM t") == [(1,)]


# Errors


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("FROM missing", AdbcStatusCode.NOT_FOUND, "Catalog Error: .*missing does not exist"),
        ("SELECT missing FROM t", AdbcStatusCode.INVALID_ARGUMENT, "Binder Error: .*missing"),
        ("SELEC 1", AdbcStatusCode.INVALID_ARGUMENT, "Parser Error: syntax error"),
        ("SELECT 1; SELECT 2", AdbcStatusCode.INVALID_ARGUMENT, "Expected one statement, got 2"),
        ("-- nothing", AdbcStatusCode.INVALID_ARGUMENT, "Expected one statement, got 0"),
        ("CREATE TABLE t (i INTEGER)", AdbcStatusCode.ALREADY_EXISTS, "already exists"),
        ("SELECT 'x'::INTEGER", AdbcStatusCode.INVALID_ARGUMENT, "Conversion Error"),
        ("SELECT i::INTEGER FROM (SELECT CASE WHEN range = 999999 THEN 'x' ELSE '1' END AS i FROM range(1000000))",
         AdbcStatusCode.INVALID_ARGUMENT, "Conversion Error"),
        ("SELECT error('custom')", AdbcStatusCode.INVALID_ARGUMENT, "custom"),
        ("SELECT 9223372036854775807 + 1", None, "Out of Range Error"),
        ("INSERT INTO t VALUES (NULL)", None, "NOT NULL constraint failed"),
    ],
)  # fmt: skip
def test_errors_say_what_and_harm_nothing(
    client: flight_sql.Connection, sql: str, code: AdbcStatusCode | None, text: str
) -> None:
    query(client, "CREATE TABLE t (i INTEGER NOT NULL)")
    with pytest.raises(adbc_driver_manager.Error, match=text) as raised:
        query(client, sql)
    if code is not None:
        assert raised.value.status_code == code
    assert raised.value.status_code not in (AdbcStatusCode.INTERNAL, AdbcStatusCode.OK)
    assert value(client, "SELECT 42") == 42


def test_a_failed_statement_within_a_transaction(open_client: Callable[..., flight_sql.Connection]) -> None:
    client = open_client(autocommit=False)
    query(client, "CREATE TABLE t (i INTEGER PRIMARY KEY)")
    query(client, "INSERT INTO t VALUES (1)")
    client.commit()
    query(client, "INSERT INTO t VALUES (2)")
    with pytest.raises(adbc_driver_manager.ProgrammingError):
        query(client, "FROM missing")
    with pytest.raises(adbc_driver_manager.Error, match="Current transaction is aborted .please ROLLBACK."):
        query(client, "FROM t")
    client.rollback()
    assert query(client, "FROM t") == [(1,)]


# Cancel


def cancel_soon(cursor: flight_sql.Cursor) -> threading.Timer:
    timer = threading.Timer(0.5, cursor.adbc_cancel)
    timer.start()
    return timer


@pytest.mark.parametrize("sql", [ENDLESS, f"CREATE TABLE t AS {ENDLESS_ROWS}"])
def test_cancel(client: flight_sql.Connection, sql: str) -> None:
    with client.cursor() as cursor:
        timer = cancel_soon(cursor)
        began = time.monotonic()
        with pytest.raises(adbc_driver_manager.Error) as raised:
            cursor.execute(sql)
            cursor.fetchall()
        timer.join()
    assert raised.value.status_code == AdbcStatusCode.CANCELLED
    # The session has one connection: it answers only once the endless statement is over.
    assert value(client, "SELECT 42") == 42
    assert time.monotonic() - began < LIMIT_S


def test_cancel_while_rows_arrive(client: flight_sql.Connection) -> None:
    with client.cursor() as cursor:
        cursor.execute(ENDLESS_ROWS)
        reader = cursor.fetch_record_batch()
        assert reader.read_next_batch().num_rows > 0
        cursor.adbc_cancel()
        with pytest.raises((adbc_driver_manager.Error, OSError, pyarrow.ArrowException), match="(?i)cancel"):
            while True:
                reader.read_next_batch()
    assert value(client, "SELECT 42") == 42


def test_a_result_that_is_not_read_to_its_end(client: flight_sql.Connection) -> None:
    for _ in range(10):
        with client.cursor() as cursor:
            cursor.execute(ENDLESS_ROWS)
            assert cursor.fetchone() == (0,)
    assert value(client, "SELECT 42") == 42


# Session options


def test_session_options(open_client: Callable[..., flight_sql.Connection]) -> None:
    one, two = open_client(), open_client()
    option = ConnectionOptions.OPTION_SESSION_OPTION_PREFIX.value
    one.adbc_connection.set_options(**{option + "TimeZone": "Asia/Tokyo"})
    assert one.adbc_connection.get_option(option + "TimeZone") == "Asia/Tokyo"
    assert value(one, "SELECT current_setting('TimeZone')") == "Asia/Tokyo"
    assert value(two, "SELECT current_setting('TimeZone')") != "Asia/Tokyo"
    query(one, "SET default_order = 'DESCENDING'")
    assert "DESC" in one.adbc_connection.get_option(option + "default_order").upper()
    one.adbc_connection.set_options(**{ConnectionOptions.OPTION_ERASE_SESSION_OPTION_PREFIX.value + "TimeZone": ""})
    assert value(one, "SELECT current_setting('TimeZone')") != "Asia/Tokyo"


def test_session_options_that_do_not_exist(client: flight_sql.Connection) -> None:
    option = ConnectionOptions.OPTION_SESSION_OPTION_PREFIX.value
    with pytest.raises(adbc_driver_manager.Error, match="no_such_option"):
        client.adbc_connection.set_options(**{option + "no_such_option": "1"})
    with pytest.raises(adbc_driver_manager.Error):
        client.adbc_connection.get_option(option + "no_such_option")
    assert value(client, "SELECT 42") == 42


def test_current_catalog_and_schema(client: flight_sql.Connection) -> None:
    assert client.adbc_current_catalog == "memory"
    assert client.adbc_current_db_schema == "main"
    query(client, "CREATE SCHEMA s")
    client.adbc_connection.set_options(**{"adbc.connection.db_schema": "s"})
    assert client.adbc_current_db_schema == "s"
    query(client, "CREATE TABLE t AS SELECT 1 AS i")
    assert query(client, "FROM memory.s.t") == [(1,)]
