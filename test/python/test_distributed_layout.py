"""PARTITIONED BY and SORTED BY divide the rows of distributed tables among files, and scans read only those that may have what they want."""

import random
import re

import duckdb
import pytest
from storages import Storage

SEED = 20261127
ROWS = 2000
#: A key for each kind of value, and what makes it of a number
KEYS = {
    "INTEGER": "(i % 7)::INTEGER",
    "UBIGINT": "(18446744073709551615 - i % 7)::UBIGINT",
    "HUGEINT": "(i % 7 - 3)::HUGEINT * 100000000000000000000",
    "DECIMAL(18, 3)": "((i % 7) / 8)::DECIMAL(18, 3)",
    "DOUBLE": "CASE WHEN i % 7 = 6 THEN 'NaN'::DOUBLE WHEN i % 7 = 5 THEN '-inf'::DOUBLE ELSE i % 7 / 2 END",
    "VARCHAR": "['', 'a', 'ä', 'NULL', 'a/b=c', 'x''y', repeat('long', 100)][i % 7 + 1]",
    "BOOLEAN": "i % 2 = 0",
    "DATE": "DATE '2024-02-27' + (i % 7)::INTEGER",
    "TIMESTAMP": "TIMESTAMP '1969-12-31 23:59:59.5' + INTERVAL (i % 7) MILLISECOND",
    "TIMESTAMPTZ": "TIMESTAMPTZ '2024-10-27 00:00:00+00' + INTERVAL (i % 7) HOUR",
    "UUID": "('00000000-0000-0000-0000-00000000000' || (i % 7))::UUID",
    "ENUM('z', 'a', 'm')": "(['z', 'a', 'm'][i % 3 + 1])",
    "BLOB": "('\\xFF' || (i % 7))::BLOB",
}
BUCKETED = ("INTEGER", "UBIGINT", "DECIMAL(18, 3)", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "UUID")


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    return storage.client()


def create(client: duckdb.DuckDBPyConnection, of_type: str, layout: str) -> None:
    """Tables with the same rows: `dh.d`, as the layout says, and `local`."""
    client.execute(f"CREATE TABLE dh.d (i BIGINT, k {of_type}) WITH (distributed = true)".replace(" WITH", f" {layout} WITH"))
    client.execute(f"CREATE TABLE local (i BIGINT, k {of_type})")
    value = f"CASE WHEN i % 11 <> 0 THEN {KEYS[of_type]} END"
    client.execute(f"INSERT INTO local SELECT range AS i, {value.replace('i %', 'range %')} FROM range({ROWS})")
    client.execute(f"INSERT INTO dh.d FROM local WHERE i < {ROWS // 2}")
    client.execute(f"INSERT INTO dh.d FROM local WHERE i >= {ROWS // 2}")


def same(client: duckdb.DuckDBPyConnection, condition: str) -> int:
    """The rows that fulfil a condition are the same; how many there are."""
    answer = [client.execute(f"SELECT * FROM {table} WHERE {condition} ORDER BY ALL").fetchall() for table in ("dh.d", "local")]
    assert repr(answer[0]) == repr(answer[1]), condition
    return len(answer[1])


def files(client: duckdb.DuckDBPyConnection, name: str = "dh.d") -> list[tuple[list[str], int]]:
    return client.execute(f"SELECT partition_values, row_count FROM duckherder_table_files('{name}') ORDER BY ALL").fetchall()


def scanned(client: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int] | None:
    """How many files of how many EXPLAIN says that a query reads."""
    plan = "".join(row[1] for row in client.execute(f"EXPLAIN {query}").fetchall())
    found = re.search(r"Scanning Files:\s*(\d+)/(\d+)", re.sub(r"[│\s]+", " ", plan))
    return (int(found[1]), int(found[2])) if found else None


@pytest.mark.parametrize("of_type", KEYS)
def test_each_partition_has_its_files(client: duckdb.DuckDBPyConnection, of_type: str) -> None:
    create(client, of_type, "PARTITIONED BY (k)")
    different = client.execute("SELECT count(DISTINCT k) + 1 FROM local").fetchone()[0]
    assert len(files(client)) == 2 * different
    assert same(client, "true") == ROWS
    assert same(client, "k IS NULL") == ROWS // 11 + 1
    for (key,) in client.execute("SELECT DISTINCT k FROM local WHERE k IS NOT NULL").fetchall():
        client.execute("SET VARIABLE key = (SELECT any_value(k) FROM local WHERE k = $1)", [key])
        for comparison in ("=", "<>", "<", "<=", ">", ">="):
            same(client, f"k {comparison} getvariable('key')")
            same(client, f"k {comparison} (SELECT k FROM local WHERE k = getvariable('key') LIMIT 1)")


@pytest.mark.parametrize("of_type", BUCKETED)
def test_buckets(client: duckdb.DuckDBPyConnection, of_type: str) -> None:
    create(client, of_type, "PARTITIONED BY (bucket(4, k))")
    values = {tuple(value) for value, _ in files(client)}
    assert values <= {(str(bucket),) for bucket in range(4)} | {("NULL",)}
    assert len(values) > 2
    assert same(client, "true") == ROWS
    for (key,) in client.execute("SELECT DISTINCT k::VARCHAR FROM local WHERE k IS NOT NULL").fetchall():
        literal = "'" + key.replace("'", "''") + "'"
        assert same(client, f"k = {literal}::{of_type}") > 0
        assert same(client, f"k IN ({literal}::{of_type}, NULL)") > 0
        read, total = scanned(client, f"FROM dh.d WHERE k = {literal}::{of_type}")
        assert read < total
    same(client, "k IN (SELECT k FROM local WHERE i IN (3, 4))")
    same(client, "k IS NULL OR k = (SELECT max(k) FROM local)")


def test_several_keys_and_an_order(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute(
        "CREATE TABLE dh.d (i INTEGER, region VARCHAR, day DATE) PARTITIONED BY (region, bucket(2, i)) SORTED BY (day, i)"
        " WITH (distributed = true)"
    )
    client.execute("CREATE TABLE local (i INTEGER, region VARCHAR, day DATE)")
    rows = "SELECT range::INTEGER, ['east', 'west', NULL][range % 3 + 1], DATE '2024-01-01' + (range * 7919 % 365)::INTEGER"
    for table in ("dh.d", "local"):
        client.execute(f"INSERT INTO {table} {rows} FROM range(3000)")
    assert len(files(client)) == 6
    assert {tuple(values) for values, _ in files(client)} == {(r, b) for r in ("east", "west", "NULL") for b in "01"}
    assert same(client, "true") == 3000
    for path in storage.files():
        days = [row[0] for row in client.execute(f"SELECT day FROM read_parquet('{path}')").fetchall()]
        assert days == sorted(days), "a file is sorted"
        assert client.execute(f"SELECT count(*) FROM (DESCRIBE FROM read_parquet('{path}'))").fetchone() == (3,)
    assert same(client, "region = 'east' AND i = 30") == 1
    assert scanned(client, "FROM dh.d WHERE region = 'east' AND i = 30") == (1, 6)
    assert scanned(client, "FROM dh.d WHERE region = 'east'") == (2, 6)
    assert scanned(client, "FROM dh.d WHERE region = 'north'") == (0, 6)
    assert same(client, "region = 'north'") == 0
    assert scanned(client, "FROM dh.d WHERE region IS NULL") == (2, 6)
    client.execute("UPDATE dh.d SET region = 'north' WHERE region = 'east' AND i % 2 = 0")
    client.execute("UPDATE local SET region = 'north' WHERE region = 'east' AND i % 2 = 0")
    client.execute("DELETE FROM dh.d WHERE day > '2024-11-11'")
    client.execute("DELETE FROM local WHERE day > '2024-11-11'")
    assert same(client, "region = 'north'") > 0
    assert {values[0] for values, _ in files(client)} == {"east", "west", "NULL", "north"}
    same(client, "true")
    client.execute("INSERT INTO dh.d VALUES (1, 'west', '2024-01-01'), (NULL, 'west', NULL)")
    client.execute("INSERT INTO local VALUES (1, 'west', '2024-01-01'), (NULL, 'west', NULL)")
    before = files(client)
    client.execute("FROM duckherder_compact('dh.d')").fetchall()
    assert len(files(client)) == len({tuple(values) for values, _ in before})
    same(client, "true")
    assert client.execute("FROM duckherder_compact('dh.d')").fetchone() == (0,), "one file of each partition is not compacted again"
    storage.server.stop()
    storage.begin()
    again = storage.client()
    assert scanned(again, "FROM dh.d WHERE region = 'north'")[0] == 2
    again.execute("INSERT INTO dh.d VALUES (77, 'south', '2024-06-01')")
    assert scanned(again, "FROM dh.d WHERE region = 'south'")[0] == 1


def test_create_table_as(client: duckdb.DuckDBPyConnection) -> None:
    """On the server, and with rows of the client."""
    client.execute("CREATE TABLE local AS SELECT range::INTEGER AS i, range % 3 AS k FROM range(300)")
    for source in ("SELECT range::INTEGER AS i, range % 3 AS k FROM dh.range(300)", "FROM local"):
        client.execute(f"CREATE OR REPLACE TABLE dh.d PARTITIONED BY (k) SORTED BY (i) WITH (distributed = true) AS {source}")
        assert files(client) == [(["0"], 100), (["1"], 100), (["2"], 100)]
        assert same(client, "k = 1") == 100
        assert scanned(client, "FROM dh.d WHERE k = 1") == (1, 3)


def test_conditions_of_all_kinds(client: duckdb.DuckDBPyConnection) -> None:
    """Whatever the statistics of files can tell, no row is missed."""
    columns = "i INTEGER, d DOUBLE, s VARCHAR, t TIMESTAMP, n DECIMAL(9, 2), b BOOLEAN, l INTEGER[]"
    client.execute(f"CREATE TABLE dh.d ({columns}) WITH (distributed = true)")
    client.execute(f"CREATE TABLE local ({columns})")
    chance = random.Random(SEED)
    for part in range(12):
        client.execute(
            "INSERT INTO local SELECT range + $1 * 100, CASE range % 50 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN NULL ELSE range / 7 + $1 END,"
            " CASE WHEN $1 % 4 = 0 THEN NULL ELSE repeat(chr(97 + $1), 1 + range % 30) || range END,"
            " TIMESTAMP '2024-01-01' + INTERVAL (range + $1 * 1000) MINUTE, range / 10 - $1, $1 % 3 = 0, [range, $1]"
            " FROM range(60)",
            [part],
        )
        client.execute("INSERT INTO dh.d FROM local WHERE i BETWEEN $1 * 100 AND $1 * 100 + 99", [part])
    values = {
        "i": lambda: str(chance.randint(-50, 1300)),
        "d": lambda: chance.choice(["'NaN'::DOUBLE", "'inf'::DOUBLE", str(chance.uniform(-3, 25)), "0.0", "-0.0"]),
        "s": lambda: "'" + chr(chance.randint(97, 109)) * chance.randint(0, 20) + "'",
        "t": lambda: f"TIMESTAMP '2024-01-0{chance.randint(1, 9)} 12:00'",
        "n": lambda: f"{chance.uniform(-12, 7):.2f}",
        "b": lambda: chance.choice(["true", "false"]),
    }

    def condition(depth: int) -> str:
        kind = chance.random()
        if depth > 0 and kind < 0.4:
            return f"({condition(depth - 1)} {chance.choice(['AND', 'OR'])} {condition(depth - 1)})"
        if depth > 0 and kind < 0.5:
            return f"NOT ({condition(depth - 1)})"
        column, value = chance.choice(list(values.items()))
        return chance.choice(
            [
                f"{column} {chance.choice(['=', '<>', '<', '<=', '>', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM'])} {value()}",
                f"{value()} {chance.choice(['=', '<', '>='])} {column}",
                f"{column} BETWEEN {value()} AND {value()}",
                f"{column} IN ({value()}, {value()}, NULL)",
                f"{column} NOT IN ({value()}, {value()})",
                f"{column} IS {chance.choice(['NULL', 'NOT NULL'])}",
                f"coalesce({column}, {value()}) = {value()}",
                f"s LIKE '{chr(chance.randint(97, 109))}%'",
                f"s[1] > {values['s']()}",
                "list_contains(l, 3)",
                f"i + 1 > {value() if column == 'i' else 3}",
                f"t::DATE = DATE '2024-01-0{chance.randint(1, 9)}'",
            ]
        )

    fewer = 0
    for _ in range(400):
        wanted = condition(2)
        same(client, wanted)
        read = scanned(client, f"FROM dh.d WHERE {wanted}")
        fewer += read is not None and read[0] < read[1]
    assert fewer > 50


def test_a_join_reads_only_the_files_that_it_needs(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    """Those of which no row can join are not even opened: they may be missing."""
    client.execute("CREATE TABLE dh.d (i INTEGER, k INTEGER) PARTITIONED BY (k) WITH (distributed = true)")
    client.execute("INSERT INTO dh.d SELECT range, range // 100 FROM dh.range(1000)")
    client.execute("CREATE TABLE dh.few AS SELECT 555 AS i")
    missing = client.execute("SELECT path FROM duckherder_table_files('dh.d') WHERE partition_values = ['2']").fetchone()[0]
    (storage.folder / missing).unlink()
    assert client.execute("SELECT k FROM dh.d WHERE i BETWEEN 500 AND 502").fetchall() == [(5,)] * 3
    assert client.execute("SELECT k FROM dh.d JOIN dh.few USING (i)").fetchall() == [(5,)]
    with pytest.raises(duckdb.IOException, match=re.escape(missing)):
        client.execute("SELECT sum(k) FROM dh.d").fetchall()


@pytest.mark.parametrize("workers", [2])
def test_workers_read_only_the_files_that_they_need(storage: Storage, client: duckdb.DuckDBPyConnection, workers: int) -> None:
    storage.work_with(workers, client)
    create(client, "INTEGER", "PARTITIONED BY (k)")
    client.execute("SET duckherder_distribution = 'force'")
    same(client, "k = 3")
    same(client, "k > 3 OR k IS NULL")
    same(client, "k = 100")
    query = "SELECT k, count(*), sum(i) FROM {} WHERE k IN (2, 5) GROUP BY k ORDER BY k"
    assert client.execute(query.format("dh.d")).fetchall() == client.execute(query.format("local")).fetchall()


@pytest.mark.parametrize(
    ("clauses", "error"),
    [
        ("PARTITIONED BY (x)", 'column "x", which the table does not have'),
        ("PARTITIONED BY (i + 1)", "takes columns"),
        ("PARTITIONED BY (bucket(0, i))", "count from 1"),
        ("PARTITIONED BY (bucket(i, 4))", "count from 1"),
        ("PARTITIONED BY (bucket(4, f))", "does not take the column"),
        ("PARTITIONED BY (bucket(4, z))", "does not take the column"),
        ("PARTITIONED BY (l)", "does not take the column"),
        ("SORTED BY (h)", "another order in files"),
        ("SORTED BY (x)", "does not have"),
        ("SORTED BY (i + 1)", "takes columns"),
    ],
)
def test_what_no_table_is_divided_by(client: duckdb.DuckDBPyConnection, clauses: str, error: str) -> None:
    columns = "i INTEGER, f DOUBLE, z TIMESTAMPTZ, l INTEGER[], h HUGEINT"
    with pytest.raises(duckdb.BinderException, match=error):
        client.execute(f"CREATE TABLE dh.d ({columns}) {clauses} WITH (distributed = true)")
    assert client.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'd'").fetchone() == (0,)


def test_columns_of_a_layout_stay(client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE TABLE dh.d (a INTEGER, b INTEGER, c INTEGER) PARTITIONED BY (bucket(2, a)) SORTED BY (b) WITH (distributed = true)")
    client.execute("INSERT INTO dh.d VALUES (1, 2, 3)")
    for change in ("DROP COLUMN a", "RENAME COLUMN A TO x", "ALTER b TYPE VARCHAR", "DROP b"):
        with pytest.raises(duckdb.BinderException, match="is partitioned or sorted by it"):
            client.execute(f"ALTER TABLE dh.d {change}")
    client.execute("ALTER TABLE dh.d ADD COLUMN e VARCHAR DEFAULT 'new'")
    client.execute("ALTER TABLE dh.d DROP COLUMN c")
    client.execute("ALTER TABLE dh.d RENAME TO e")
    client.execute("INSERT INTO dh.e VALUES (4, 5, 'x')")
    assert client.execute("FROM dh.e WHERE a IN (1, 4) ORDER BY a").fetchall() == [(1, 2, "new"), (4, 5, "x")]
    tags = client.execute("SELECT tags FROM duckdb_tables() WHERE table_name = 'e'").fetchone()[0]
    assert tags["duckherder_partitioned_by"] == "bucket(2, a)"
    assert tags["duckherder_sorted_by"] == "b"


def stages(client: duckdb.DuckDBPyConnection, query: str) -> int:
    return len(set(re.findall(r"Stage \d+", "".join(row[1] for row in client.execute(f"EXPLAIN {query}").fetchall()))))


def test_equal_buckets_are_joined_and_grouped_in_place(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    """Without an exchange of rows between workers, and with the answers of one DuckDB."""
    storage.work_with(2, client)
    layouts = {"a": "PARTITIONED BY (bucket(4, k))", "b": "PARTITIONED BY (bucket(4, k))", "c": "PARTITIONED BY (bucket(6, k))", "p": ""}
    for name, layout in layouts.items():
        client.execute(f"CREATE TABLE dh.{name} (k INTEGER, v INTEGER) {layout} WITH (distributed = true)")
        client.execute(f"CREATE TABLE local_{name} AS SELECT CASE WHEN range % 13 <> 0 THEN range % 500 END::INTEGER AS k, range::INTEGER AS v FROM range(3000)")
        for part in range(3):
            client.execute(f"INSERT INTO dh.{name} FROM local_{name} WHERE v % 3 = {part} AND (v + k) % 7 <> {len(name) + part}")
        client.execute(f"CREATE OR REPLACE TABLE local_{name} AS FROM dh.{name}")
    client.execute("SET duckherder_distribution = 'force'")
    client.execute("SET duckherder_broadcast_limit = 0")
    queries = {
        "SELECT x.k, x.v, y.v FROM {a} x JOIN {b} y USING (k) WHERE x.v < 1000": 1,
        "SELECT x.k, x.v, y.v FROM {a} x LEFT JOIN {b} y ON x.k = y.k AND x.v = y.v + 1": 1,
        "SELECT x.k, x.v, y.v FROM {a} x FULL JOIN {b} y ON x.k IS NOT DISTINCT FROM y.k AND x.v = y.v": 1,
        "SELECT k, count(*), sum(v), count(DISTINCT v) FROM {a} GROUP BY k": 1,
        "SELECT x.k, count(*), max(y.v) FROM {a} x JOIN {b} y ON x.k = y.k GROUP BY x.k": 1,
        "SELECT * FROM {a} x WHERE EXISTS (FROM {b} y WHERE y.k = x.k AND y.v > 2900)": 1,
        "SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v) FROM {a}": 1,
        "SELECT x.k, x.v, y.v FROM {a} x JOIN {c} y USING (k) WHERE x.v < 1000": 3,
        "SELECT x.k, x.v, y.v FROM {a} x JOIN {p} y USING (k) WHERE x.v < 1000": 3,
        "SELECT x.k, x.v, y.v FROM {a} x JOIN {b} y ON x.v = y.v": 3,
        "SELECT x.k, y.v, z.v FROM {a} x JOIN {b} y USING (k) JOIN {c} z USING (k) WHERE x.v < 300 AND z.v < 300": None,
        "SELECT x.k, x.v, y.v FROM {a} x JOIN {b} y ON x.k = y.k + 1": 3,
    }
    for query, expected in queries.items():
        distributed = query.format(**{name: f"dh.{name}" for name in layouts})
        local = query.format(**{name: f"local_{name}" for name in layouts})
        got = client.execute(f"FROM ({distributed}) ORDER BY ALL").fetchall()
        assert got == client.execute(f"FROM ({local}) ORDER BY ALL").fetchall(), query
        assert got, query
        # Which tables are joined first is the optimizer's to say
        assert expected is None or stages(client, distributed) == expected, query


def test_columns_with_the_names_of_keys(client: duckdb.DuckDBPyConnection) -> None:
    """COPY names what it divides the rows by."""
    create = "CREATE TABLE dh.d ({} INTEGER, k INTEGER) PARTITIONED BY (k) WITH (distributed = true)"
    with pytest.raises(duckdb.BinderException, match="cannot have the column \"__duckherder_partition_0000\": rename it"):
        client.execute(create.format("__duckherder_partition_0000"))
    client.execute(create.format("partition_0000"))
    client.execute("INSERT INTO dh.d SELECT range, range % 2 FROM dh.range(10)")
    assert client.execute("FROM dh.d ORDER BY ALL").fetchall() == [(i, i % 2) for i in range(10)]
