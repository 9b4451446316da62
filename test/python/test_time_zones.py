"""TIMESTAMPTZ, calendars and collations: the official wheel, which has ICU, and a server must answer alike."""

from collections.abc import Callable

import duckdb
import pytest

from conftest import Duckling

HAS_ICU = "FROM duckherder_query('dh', $$FROM duckdb_extensions() WHERE loaded AND extension_name = 'icu'$$)"

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Etc/GMT+12")

# Around changes to and from summer time, leap days, before the zones had standard times, and the ends.
EVENTS = """
    CREATE TABLE {table} AS SELECT unnest([
        '2024-03-10 06:59:59.999999+00', '2024-03-10 07:00:00+00', '2024-03-31 01:30:00+00', '2024-10-27 00:30:00+00',
        '2024-10-27 01:30:00+00', '2024-11-03 05:30:00+00', '2024-11-03 06:30:00+00', '2024-02-29 23:59:59+00',
        '2023-12-31 23:30:00+00', '1970-01-01 00:00:00+00', '1883-11-18 12:00:00+00', '0044-03-15 (BC) 12:00:00+00',
        '9999-12-31 23:59:59+00', 'infinity', '-infinity', NULL]::TIMESTAMPTZ[]) AS ts
"""

EXPRESSIONS = (
    "ts",
    "ts::VARCHAR",
    "ts::DATE",
    "ts::TIMESTAMP",
    "ts::TIMETZ",
    "ts + INTERVAL 1 MONTH",
    "ts - INTERVAL 25 HOUR",
    "ts + INTERVAL '1 year 1 month 1 day 1 hour'",
    "CASE WHEN isfinite(ts) THEN ts - TIMESTAMPTZ '2024-02-29 00:00:00' END",
    "age(ts, TIMESTAMPTZ '2000-02-29 12:00:00')",
    "date_trunc('day', ts)",
    "date_trunc('week', ts)",
    "date_trunc('hour', ts)",
    "time_bucket(INTERVAL 1 MONTH, ts)",
    "time_bucket(INTERVAL 1 DAY, ts, 'Asia/Tokyo')",
    "date_part(['year', 'month', 'day', 'hour', 'minute', 'timezone_hour', 'timezone_minute'], ts)",
    "dayname(ts) || monthname(ts)",
    "extract(epoch FROM ts)",
    "datediff('day', ts, TIMESTAMPTZ '2024-06-01 00:00:00')",
    "datesub('month', ts, TIMESTAMPTZ '2024-06-01 00:00:00')",
    "last_day(ts)",
    "strftime(ts, '%Y-%m-%d %H:%M:%S %Z %z')",
    "ts AT TIME ZONE 'Pacific/Auckland'",
    "timezone('Asia/Kolkata', ts::TIMESTAMP)",
    "make_timestamptz(2024, 3, 31, 2, 30, 0.5)",
    "strptime('2024-03-31 02:30:00', '%Y-%m-%d %H:%M:%S')::TIMESTAMPTZ",
    "'2024-11-03 01:30:00'::TIMESTAMPTZ",
    "DATE '2024-03-31'::TIMESTAMPTZ",
    "range(TIMESTAMPTZ '2024-03-30', TIMESTAMPTZ '2024-04-02', INTERVAL 1 DAY)::VARCHAR",
)


@pytest.fixture
def both(attached: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """`attached`, on a server with ICU, with the same table here and there."""
    if not attached.execute(HAS_ICU).fetchall():
        pytest.skip("the server was built without ICU")
    for table in ("events", "dh.events"):
        attached.execute(EVENTS.format(table=table))
    return attached


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    """Columns, types and DuckDB's text of the rows. Python's own values do not reach as far as DuckDB's."""
    relation = connection.sql(sql)
    texts = connection.sql(f"SELECT COLUMNS(*)::VARCHAR FROM ({sql})").fetchall()
    return relation.columns, relation.types, texts


@pytest.mark.parametrize("zone", ZONES)
def test_expressions_in_a_zone(both: duckdb.DuckDBPyConnection, zone: str) -> None:
    both.execute(f"SET TimeZone = '{zone}'")
    for expression in EXPRESSIONS:
        here, there = (answer(both, f"SELECT {expression} AS x FROM {table}") for table in ("events", "dh.events"))
        assert there == here, expression


@pytest.mark.parametrize("calendar", ["japanese", "buddhist", "islamic", "chinese"])
def test_parts_in_a_calendar(both: duckdb.DuckDBPyConnection, calendar: str) -> None:
    both.execute(f"SET Calendar = '{calendar}'; SET TimeZone = 'Asia/Tokyo'")
    parts = ("year(ts)", "month(ts)", "date_part('era', ts)", "date_trunc('year', ts)", "ts + INTERVAL 1 MONTH")
    for expression in parts:
        here, there = (answer(both, f"SELECT {expression} AS x FROM {table}") for table in ("events", "dh.events"))
        assert there == here, expression


def test_the_zone_follows_the_client(both: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT ts::VARCHAR FROM dh.events WHERE ts = '1970-01-01 00:00:00+00'"
    texts = []
    for zone in ("Asia/Tokyo", "America/New_York", "UTC"):
        both.execute(f"SET TimeZone = '{zone}'")
        texts += both.execute(sql).fetchone()
    assert texts == ["1970-01-01 09:00:00+09", "1969-12-31 19:00:00-05", "1970-01-01 00:00:00+00"]


def test_a_prepared_statement_takes_the_zone_of_its_execution(both: duckdb.DuckDBPyConnection) -> None:
    both.execute("PREPARE day AS SELECT count(*) FROM dh.events WHERE ts::DATE = $1")
    both.execute("SET TimeZone = 'UTC'")
    assert both.execute("EXECUTE day('1970-01-01')").fetchone() == (1,)
    both.execute("SET TimeZone = 'America/New_York'")
    assert both.execute("EXECUTE day('1970-01-01')").fetchone() == (0,)


def test_local_joins_and_loads(both: duckdb.DuckDBPyConnection) -> None:
    both.execute("SET TimeZone = 'Europe/Berlin'")
    condition = "r.ts + INTERVAL 1 DAY > '2024-03-31 02:30:00'"
    local_join = f"SELECT l.ts::VARCHAR FROM events l JOIN dh.events r ON l.ts = r.ts WHERE {condition}"
    here = local_join.replace("dh.", "")
    assert sorted(both.execute(local_join).fetchall()) == sorted(both.execute(here).fetchall())
    both.execute("CREATE TABLE dh.copied AS SELECT ts, ts::VARCHAR AS text FROM events")
    assert both.execute("SELECT count(*) FROM dh.copied WHERE ts::VARCHAR IS DISTINCT FROM text").fetchone() == (0,)


@pytest.mark.parametrize("collation", ["de", "sv", "NOCASE", "NOACCENT", "icu_noaccent", "da.NOCASE"])
def test_collations(both: duckdb.DuckDBPyConnection, collation: str) -> None:
    for table in ("words", "dh.words"):
        both.execute(f"CREATE TABLE {table} (w VARCHAR COLLATE {collation})")
        both.execute(f"INSERT INTO {table} SELECT unnest(['z', 'Z', 'ä', 'a', 'Ä', 'ö', 'o', 'æ', 'é', NULL])")
    for sql in (
        "SELECT string_agg(w, ' ' ORDER BY w, w COLLATE C) FROM {t}",
        "SELECT count(DISTINCT w) FROM {t}",
        "SELECT count(*) FROM {t} WHERE w = 'a'",
        "SELECT count(*) FROM {t} WHERE w > 'o'",
        "SELECT max(w COLLATE C) FROM {t} WHERE w < 'b'",
    ):
        here, there = (answer(both, sql.format(t=table)) for table in ("words", "dh.words"))
        assert there == here, sql


def test_a_server_in_another_zone(
    connection: duckdb.DuckDBPyConnection, start_server: Callable[..., Duckling], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that the server runs on must not show in an answer."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    server = start_server()
    connection.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh")
    if not connection.execute(HAS_ICU).fetchall():
        pytest.skip("the server was built without ICU")
    connection.execute("SET TimeZone = 'America/New_York'")
    connection.execute("CREATE TABLE dh.events AS SELECT TIMESTAMPTZ '2024-07-01 00:00:00' AS ts")
    assert connection.execute("SELECT ts::VARCHAR FROM dh.events").fetchone() == ("2024-07-01 00:00:00-04",)


NOW = (
    "now()",
    "current_timestamp",
    "transaction_timestamp()",
    "get_current_timestamp()",
    "current_date",
    "today()",
    "current_time",
    "get_current_time()",
    "localtime",
    "localtimestamp",
    "current_localtime()",
    "current_localtimestamp()",
)


@pytest.mark.parametrize("zone", ZONES)
def test_now_is_the_client_s_in_a_whole_transaction(attached: duckdb.DuckDBPyConnection, zone: str) -> None:
    attached.execute("CREATE TABLE dh.one AS SELECT 1 AS i")
    attached.execute("CREATE TABLE dh.stamped (i INTEGER, made TIMESTAMPTZ DEFAULT current_timestamp)")
    attached.execute("CREATE TABLE here AS SELECT 1 AS i")
    attached.execute(f"SET TimeZone = '{zone}'")
    attached.execute("BEGIN")
    for now in NOW:
        here = attached.execute(f"SELECT {now}").fetchone()
        assert attached.execute(f"SELECT {now} FROM dh.one").fetchone() == here, now
        mixed = f"SELECT b.t FROM (SELECT {now} AS t FROM dh.one) b, here WHERE b.t = {now}"
        assert attached.execute(mixed).fetchone() == here, now
    attached.execute("INSERT INTO dh.stamped (i) VALUES (1)")
    assert attached.execute("SELECT made = now() FROM dh.stamped").fetchone() == (True,)
    attached.execute("COMMIT")
    later = "SELECT made < now() AND made < current_timestamp AND now() = current_timestamp FROM dh.stamped"
    assert attached.execute(later).fetchone() == (True,)
