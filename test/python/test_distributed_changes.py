"""UPDATE, DELETE, MERGE and TRUNCATE of distributed tables, compared to the same on a native table of the same server."""

import random
import re

import duckdb
import pytest
from storages import Storage
from waiting import until

COLUMNS = "(k INTEGER, g INTEGER, s VARCHAR DEFAULT 'new', h HUGEINT, l INTEGER[], d INTEGER AS (k * 2))"
ROWS = "SELECT range AS k, range % 5 AS g, 'row ' || range AS s, range::HUGEINT * 3 AS h, [range, NULL] AS l FROM dh.range({}, {})"


def without_names(error: str) -> str:
    """The first line of an error, without the table's name, and without the column that only a scan names."""
    return re.sub(r"\bn\b", "d", error.splitlines()[0].partition(" when casting from source column")[0])


class Pair:
    """A distributed table `dh.d` and a native one `dh.n` to which the same is done."""

    def __init__(self, client: duckdb.DuckDBPyConnection, columns: str = COLUMNS) -> None:
        self.client = client
        client.execute(f"CREATE OR REPLACE TABLE dh.d {columns} WITH (distributed = true)")
        client.execute(f"CREATE OR REPLACE TABLE dh.n {columns}")

    def outcome(self, statement: str, table: str) -> object:
        try:
            return sorted(self.client.execute(statement.format(t=f"dh.{table}")).fetchall(), key=repr)
        except duckdb.Error as failure:
            return type(failure), without_names(str(failure))

    def run(self, statement: str) -> object:
        distributed, native = self.outcome(statement, "d"), self.outcome(statement, "n")
        assert distributed == native, statement
        self.check(statement)
        return distributed

    def check(self, statement: str) -> None:
        rows = self.outcome("FROM {t}", "d")
        assert rows == self.outcome("FROM {t}", "n"), statement
        assert self.client.execute("SELECT count(*), count(DISTINCT rowid) FROM dh.d").fetchall() == [(len(rows),) * 2]


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    return storage.client()


@pytest.fixture
def pair(client: duckdb.DuckDBPyConnection) -> Pair:
    result = Pair(client)
    for first in (0, 10, 20):
        result.run(f"INSERT INTO {{t}} {ROWS.format(first, first + 10)}")
    return result


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {t} WHERE k = 3",
        "DELETE FROM {t} WHERE k % 2 = 0 RETURNING *",
        "DELETE FROM {t} WHERE k >= 10 AND k < 20",
        "DELETE FROM {t}",
        "DELETE FROM {t} RETURNING s, d, k + 1",
        "TRUNCATE {t}",
        "DELETE FROM {t} WHERE k > 1000",
        "DELETE FROM {t} USING dh.range(40) r WHERE r.range % 7 = g RETURNING k, g",
        "DELETE FROM {t} USING dh.range(40) r WHERE r.range % 7 = g",
        "DELETE FROM {t} WHERE k IN (SELECT max(k) FROM {t} GROUP BY g)",
        "UPDATE {t} SET s = 'changed' WHERE k = 3",
        "UPDATE {t} SET s = NULL, h = -h RETURNING *",
        "UPDATE {t} SET k = k + 100, g = DEFAULT, s = DEFAULT WHERE g = 2",
        "UPDATE {t} SET l = [g, k], h = (SELECT sum(k) FROM {t} o WHERE o.g = {t}.g)",
        "UPDATE {t} SET s = 'x' FROM dh.range(0, 25, 5) r WHERE r.range = k RETURNING k, s, r.range",
        "UPDATE {t} SET s = 'x' FROM dh.range(0, 25, 5) r WHERE r.range = k RETURNING k, s",
        "UPDATE {t} SET s = 'same' FROM dh.range(30) r WHERE r.range % 5 = g",
        "UPDATE {t} SET s = 'none' WHERE k < 0 RETURNING k",
        "UPDATE {t} SET k = 'word' WHERE k = 3",
        "MERGE INTO {t} USING dh.range(25, 35) r(k) ON r.k = {t}.k WHEN MATCHED THEN UPDATE SET s = 'merged'"
        " WHEN NOT MATCHED THEN INSERT (k, g) VALUES (r.k, -1)",
        "MERGE INTO {t} USING dh.range(25, 35) r(k) USING (k) WHEN MATCHED AND r.k % 2 = 0 THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET h = {t}.k, s = DEFAULT WHEN NOT MATCHED AND r.k > 32 THEN INSERT (k) VALUES (r.k)"
        " RETURNING merge_action, *",
        "MERGE INTO {t} USING dh.range(5, 15) r(k) USING (k) WHEN NOT MATCHED BY SOURCE AND g = 1 THEN DELETE"
        " WHEN NOT MATCHED BY SOURCE THEN UPDATE SET g = g + 10 WHEN MATCHED THEN DO NOTHING RETURNING merge_action, k, g",
        "MERGE INTO {t} USING (SELECT 3 AS k FROM dh.range(2)) r USING (k) WHEN MATCHED THEN DELETE",
        "MERGE INTO {t} USING dh.range(3) r(k) USING (k) WHEN MATCHED THEN ERROR 'not ' || r.k",
        "MERGE INTO {t} USING dh.range(3) r(k) USING (k) WHEN MATCHED AND {t}.g > 100 THEN ERROR WHEN MATCHED THEN DELETE",
        "MERGE INTO {t} USING (SELECT 7 AS k, 8 AS g, 'by name' AS s) r USING (k) WHEN MATCHED THEN UPDATE BY NAME",
    ],
)
def test_a_change_is_what_a_native_table_has(pair: Pair, statement: str) -> None:
    if isinstance(pair.run(statement), tuple):
        return
    pair.client.execute("BEGIN")
    pair.run(statement)
    pair.run(f"INSERT INTO {{t}} {ROWS.format(0, 7)}")
    pair.run(statement)
    pair.client.execute("ROLLBACK")
    pair.check(statement)


def test_local_tables_take_part(pair: Pair) -> None:
    pair.client.execute("CREATE TABLE here AS SELECT range * 3 AS k, 'local' AS s FROM range(12)")
    pair.run("UPDATE {t} SET s = here.s FROM here WHERE here.k = {t}.k")
    pair.run("DELETE FROM {t} USING here WHERE here.k = {t}.k + 1 RETURNING {t}.k")
    pair.run(
        "MERGE INTO {t} USING here USING (k) WHEN MATCHED THEN UPDATE SET s = 'again'"
        " WHEN NOT MATCHED THEN INSERT (k, s) VALUES (here.k, here.s)"
    )
    pair.run("DELETE FROM {t} WHERE k IN (FROM here SELECT k)")


def test_constraints_hold(client: duckdb.DuckDBPyConnection) -> None:
    pair = Pair(client, "(i INTEGER NOT NULL CHECK (i < 10), s VARCHAR CHECK (length(s) < i))")
    pair.run("INSERT INTO {t} VALUES (5, 'abc'), (6, NULL)")
    for statement in (
        "UPDATE {t} SET i = 11 WHERE s IS NULL",
        "UPDATE {t} SET i = NULL",
        "UPDATE {t} SET i = 3 WHERE i = 5",
        "UPDATE {t} SET s = 'a' RETURNING *",
        "MERGE INTO {t} USING (SELECT 5 AS i) x USING (i) WHEN MATCHED THEN UPDATE SET s = 'longer text'",
    ):
        pair.run(statement)


def test_prepared_changes(pair: Pair) -> None:
    for table in ("d", "n"):
        pair.client.execute(f"PREPARE change_{table} AS UPDATE dh.{table} SET s = $2 WHERE k = $1")
        pair.client.execute(f"PREPARE drop_{table} AS DELETE FROM dh.{table} WHERE g = $1")
    for i in range(3):
        for table in ("d", "n"):
            pair.client.execute(f"EXECUTE change_{table}({i}, 'prepared')")
            pair.client.execute(f"EXECUTE drop_{table}({i + 2})")
        pair.check(f"round {i}")
    for table in ("d", "n"):
        pair.client.executemany(f"UPDATE dh.{table} SET h = ? WHERE k = ?", [(1, 10), (2, 11), (None, 15)])
    pair.check("executemany")


def random_statement(choose: random.Random) -> str:
    low = choose.randrange(60)
    where = choose.choice(
        (f"k = {low}", f"k BETWEEN {low} AND {low + 9}", f"g = {low % 5}", "g IS NULL", f"k % {choose.randrange(2, 9)} = 0")
    )
    returning = choose.choice(("", "", " RETURNING *", " RETURNING k, d"))
    change = choose.choice(("s = s || '!'", "h = h + 1", "k = k + 1", "g = DEFAULT", f"l = [{low}], g = {low % 5}"))
    return choose.choice(
        (
            f"INSERT INTO {{t}} {ROWS.format(low, low + choose.randrange(1, 9))}{returning}",
            f"DELETE FROM {{t}} WHERE {where}{returning}",
            f"UPDATE {{t}} SET {change} WHERE {where}{returning}",
            f"MERGE INTO {{t}} USING dh.range({low}, {low + 6}) r(k) USING (k) WHEN MATCHED AND g = 1 THEN DELETE"
            f" WHEN MATCHED AND g = 2 THEN UPDATE SET {change} WHEN NOT MATCHED THEN INSERT (k) VALUES (r.k)",
            f"SELECT count(*), sum(k), min(rowid) IS NULL FROM {{t}} WHERE {where}",
        )
    )


@pytest.mark.parametrize("seed", range(6))
def test_random_changes(client: duckdb.DuckDBPyConnection, seed: int) -> None:
    choose = random.Random(seed)
    pair = Pair(client)
    for _ in range(12):
        client.execute("BEGIN")
        for _ in range(choose.randrange(1, 6)):
            pair.run(random_statement(choose))
        client.execute(choose.choice(("COMMIT", "COMMIT", "ROLLBACK")))
        pair.check(f"end of transaction, seed {seed}")


def test_two_writers_of_a_file_conflict(storage: Storage, pair: Pair) -> None:
    client, other = pair.client, storage.client()
    for mine, theirs in (
        ("UPDATE dh.d SET s = 'a' WHERE k = 1", "UPDATE dh.d SET s = 'b' WHERE k = 2"),
        ("DELETE FROM dh.d WHERE k = 3", "UPDATE dh.d SET s = 'b' WHERE k = 2"),
        ("TRUNCATE dh.d", "DELETE FROM dh.d WHERE k = 4"),
    ):
        client.execute("BEGIN")
        other.execute("BEGIN")
        other.execute("FROM dh.d").fetchall()
        client.execute(mine)
        with pytest.raises(duckdb.TransactionException, match="Conflict"):
            other.execute(theirs)
        other.execute("ROLLBACK")
        client.execute("COMMIT")
    other.execute("BEGIN")
    other.execute("FROM dh.d").fetchall()
    client.execute(f"INSERT INTO dh.d {ROWS.format(0, 10)}")
    client.execute("DELETE FROM dh.d WHERE k = 5")
    assert other.execute("SELECT count(*) FROM dh.d").fetchone() == (0,), "its snapshot"
    other.execute("COMMIT")


def test_a_file_without_rows_is_not_written(storage: Storage, pair: Pair) -> None:
    before = storage.files()
    pair.run("DELETE FROM {t} WHERE k < 10")
    assert storage.files() == before
    assert pair.client.execute("SELECT count(*), sum(row_count) FROM dh.duckherder.files").fetchone() == (2, 20)
    pair.run("DELETE FROM {t} WHERE k = 10")
    assert len(storage.files()) == len(before) + 1
    assert pair.client.execute("SELECT count(*), sum(row_count) FROM dh.duckherder.files").fetchone() == (2, 19)
    pair.run("UPDATE {t} SET s = 'all' WHERE k < 20")
    assert pair.client.execute("SELECT count(*), sum(row_count) FROM dh.duckherder.files").fetchone() == (2, 19)


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE {t} ADD COLUMN n INTEGER",),
        ("ALTER TABLE {t} ADD COLUMN n DECIMAL(9, 2) DEFAULT 1.5 + 1",),
        ("ALTER TABLE {t} ADD COLUMN n INTERVAL DEFAULT INTERVAL 3 DAY", "ALTER TABLE {t} ALTER n DROP DEFAULT"),
        ("ALTER TABLE {t} ADD COLUMN n STRUCT(a INTEGER, b ENUM('x', 'y')) DEFAULT {{'a': 1, 'b': 'y'}}",),
        ("ALTER TABLE {t} ADD COLUMN n INTEGER NOT NULL DEFAULT 4",),
        ("ALTER TABLE {t} ADD COLUMN n INTEGER NOT NULL",),
        ("ALTER TABLE {t} ADD COLUMN IF NOT EXISTS s INTEGER", "ALTER TABLE {t} ADD COLUMN s INTEGER"),
        ("ALTER TABLE {t} DROP COLUMN s",),
        ("ALTER TABLE {t} DROP COLUMN IF EXISTS nothing", "ALTER TABLE {t} DROP COLUMN nothing"),
        ("ALTER TABLE {t} DROP COLUMN k",),
        ("ALTER TABLE {t} DROP COLUMN d", "ALTER TABLE {t} DROP COLUMN k"),
        ("ALTER TABLE {t} DROP COLUMN s", "ALTER TABLE {t} ADD COLUMN s INTEGER DEFAULT 9"),
        ("ALTER TABLE {t} RENAME g TO s",),
        ("ALTER TABLE {t} RENAME g TO other", "ALTER TABLE {t} RENAME s TO g", "ALTER TABLE {t} ADD COLUMN s DATE"),
        ("ALTER TABLE {t} ALTER g TYPE VARCHAR",),
        ("ALTER TABLE {t} ALTER g TYPE BIGINT USING g * 10 + k",),
        ("ALTER TABLE {t} ALTER h SET DATA TYPE DOUBLE", "ALTER TABLE {t} ALTER h TYPE TINYINT"),
        ("ALTER TABLE {t} ALTER s TYPE INTEGER",),
        ("ALTER TABLE {t} ALTER s TYPE INTEGER[] USING [k, g]", "ALTER TABLE {t} ALTER l TYPE BIGINT[]"),
        ("ALTER TABLE {t} ALTER k TYPE BIGINT",),
        ("ALTER TABLE {t} ALTER d TYPE BIGINT",),
        ("ALTER TABLE {t} ALTER s SET NOT NULL", "ALTER TABLE {t} ALTER s DROP NOT NULL"),
        ("UPDATE {t} SET s = NULL WHERE k = 7", "ALTER TABLE {t} ALTER s SET NOT NULL"),
        ("ALTER TABLE {t} ALTER s SET NOT NULL", "ALTER TABLE {t} ALTER s TYPE INTEGER USING NULL"),
        ("ALTER TABLE {t} ALTER nothing TYPE INTEGER", "ALTER TABLE {t} ALTER nothing SET NOT NULL"),
        ("ALTER TABLE {t} ALTER g SET DEFAULT 77", "ALTER TABLE {t} ALTER g TYPE HUGEINT"),
        (
            "ALTER TABLE {t} ADD COLUMN r STRUCT(a INTEGER, b STRUCT(c VARCHAR)[]) DEFAULT {{'a': 1, 'b': [{{'c': 'x'}}]}}",
            "ALTER TABLE {t} ADD COLUMN r.n HUGEINT DEFAULT 5",
            "ALTER TABLE {t} RENAME r.a TO other",
            "ALTER TABLE {t} ADD COLUMN r.b.element.d INTEGER",
            "ALTER TABLE {t} DROP COLUMN r.b",
            "ALTER TABLE {t} DROP COLUMN IF EXISTS r.nothing",
            "ALTER TABLE {t} ADD COLUMN IF NOT EXISTS r.n INTEGER",
        ),
        (
            "ALTER TABLE {t} ADD COLUMN r.x INTEGER",
            "ALTER TABLE {t} ADD COLUMN s.x INTEGER",
            "ALTER TABLE {t} RENAME l.element TO x",
            "ALTER TABLE {t} DROP COLUMN nothing.x",
        ),
    ],
)
def test_alter(storage: Storage, pair: Pair, statements: tuple[str, ...]) -> None:
    for statement in statements:
        pair.client.execute("BEGIN")
        pair.outcome(statement, "d")
        pair.outcome("INSERT INTO {t} DEFAULT VALUES", "d")
        pair.client.execute("ROLLBACK")
        pair.check(f"rolled back: {statement}")
        pair.run(statement)
        pair.run("INSERT INTO {t} DEFAULT VALUES")
    pair.run("DELETE FROM {t} WHERE l[1] % 3 = 0")
    pair.run("UPDATE {t} SET l = NULL WHERE l[1] % 2 = 0 RETURNING *")
    storage.server.kill()
    storage.begin()
    pair.client = storage.client()
    pair.check("after a crash")
    pair.run("INSERT INTO {t} DEFAULT VALUES RETURNING *")


def test_a_default_that_differs_by_row(pair: Pair) -> None:
    pair.client.execute("ALTER TABLE dh.d ADD COLUMN r DOUBLE DEFAULT random()")
    assert pair.client.execute("SELECT count(DISTINCT r) FROM dh.d").fetchone() == (30,)


def test_alter_and_write_at_once_conflict(storage: Storage, pair: Pair) -> None:
    client, other = pair.client, storage.client()
    for first, second in (
        ("INSERT INTO dh.d (k) VALUES (1)", "ALTER TABLE dh.d ALTER s SET NOT NULL"),
        ("ALTER TABLE dh.d ALTER s TYPE VARCHAR[] USING [s]", "INSERT INTO dh.d (k) VALUES (2)"),
        ("ALTER TABLE dh.d ADD COLUMN n INTEGER", "DELETE FROM dh.d WHERE k = 1"),
    ):
        for connection, statement in ((client, first), (other, second)):
            connection.execute("BEGIN")
            connection.execute(statement)
        client.execute("COMMIT")
        with pytest.raises(duckdb.TransactionException, match="conflict"):
            other.execute("COMMIT")
    assert other.execute("SELECT typeof(any_value(s)), typeof(any_value(h)) FROM dh.d").fetchone() == ("VARCHAR[]", "HUGEINT")
    other.execute("BEGIN")
    other.execute("FROM dh.d")
    client.execute("ALTER TABLE dh.d ALTER h SET DEFAULT 3")
    other.execute("INSERT INTO dh.n DEFAULT VALUES")
    other.execute("COMMIT")


def test_changes_with_workers(storage: Storage) -> None:
    driver = f"127.0.0.1:{storage.server.port}"
    for name in ("a", "b"):
        storage.start("--listen", "127.0.0.1:0", "--join", driver, "--worker-id", name, "--threads", "1")
    client = storage.client()
    until(lambda: client.execute("SELECT duckherder_get_worker_count()").fetchone() == (2,), "2 workers answer")
    client.execute("SET duckherder_distribution = 'force'")
    pair = Pair(client)
    for first in (0, 40_000, 80_000):
        pair.run(f"INSERT INTO {{t}} {ROWS.format(first, first + 40_000)}")
    for statement in (
        "DELETE FROM {t} WHERE k IN (SELECT max(k) FROM {t} GROUP BY k % 1000)",
        "UPDATE {t} SET s = x.s || '!', h = n FROM (SELECT g, min(s) AS s, count(*) AS n FROM {t} GROUP BY g) x"
        " WHERE {t}.g = x.g AND k % 3 = 0",
        "MERGE INTO {t} USING (SELECT k * 2 AS k, any_value(s) AS s FROM {t} GROUP BY k HAVING k < 30000) x USING (k)"
        " WHEN MATCHED AND x.k % 5 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET s = x.s WHEN NOT MATCHED THEN INSERT (k, s) VALUES (x.k, x.s)",
        "ALTER TABLE {t} ADD COLUMN n DOUBLE DEFAULT 0.5",
        "UPDATE {t} SET n = k / 7 WHERE g = 3",
        "ALTER TABLE {t} ALTER n TYPE VARCHAR",
    ):
        pair.run(statement)
    groups = "SELECT g, count(*), sum(k), max(s), min(n) FROM {t} GROUP BY g"
    plan = "\n".join(row[1] for row in client.execute(f"EXPLAIN {groups.format(t='dh.d')}").fetchall())
    assert "Exchange" in plan, plan
    pair.run(groups)
