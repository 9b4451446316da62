"""INSERT, UPDATE, DELETE and MERGE with RETURNING: bound on what the client knows, run where the table may have changed."""

import duckdb
import pytest

COLUMNS = "id INTEGER PRIMARY KEY, v INTEGER DEFAULT 7, s VARCHAR, g BIGINT AS (id * 100::BIGINT), e ENUM('a', 'b'), d DECIMAL(9, 2)"

STATEMENTS = [
    "INSERT INTO {t} (id) VALUES (10) RETURNING *",
    "INSERT INTO {t} (id, e) VALUES (10, 'b') RETURNING g, e, v AS value, t.id",
    "INSERT INTO {t} (id, s) SELECT id + 10, s FROM {t} WHERE id < 3 RETURNING id + 1, s || '!', upper(s), 'text', 42, NULL",
    "INSERT INTO {t} DEFAULT VALUES RETURNING id",
    "INSERT INTO {t} AS x (id) VALUES (10) RETURNING x.id, x.*",
    "INSERT INTO {t} (id) VALUES (1) ON CONFLICT DO UPDATE SET v = t.v + 1 RETURNING merge_action, *",
    "INSERT OR IGNORE INTO {t} (id) VALUES (1) RETURNING id",
    "INSERT OR REPLACE INTO {t} (id, d) VALUES (1, 2.5) RETURNING d * 2, d::VARCHAR AS d",
    "INSERT INTO {t} BY NAME SELECT 10 AS id RETURNING * EXCLUDE (s, g)",
    "INSERT INTO {t} (id) VALUES (10) RETURNING COLUMNS('^[iv]'), CASE WHEN v > 3 THEN s ELSE 'none' END",
    "INSERT INTO {t} (id) VALUES (10) RETURNING {{'id': id, 'v': [v, 1]}} AS both, v::UTINYINT",
    "WITH w AS (SELECT 10 AS id) INSERT INTO {t} (id) FROM w RETURNING id, typeof(g)",
    "UPDATE {t} SET v = v + 1 WHERE id = 1 RETURNING *",
    "UPDATE {t} SET v = q.n FROM (SELECT 2 AS id, 22 AS n) q WHERE q.id = t.id RETURNING t.id, v / 2, v // 2, g",
    "UPDATE {t} AS x SET s = DEFAULT RETURNING x.s IS NULL AS empty",
    "DELETE FROM {t} WHERE id = 1 RETURNING *",
    "DELETE FROM {t} USING (VALUES (2)) q(i) WHERE q.i = t.id RETURNING rowid, id",
    "DELETE FROM {t} WHERE false RETURNING id",
    "MERGE INTO {t} USING (VALUES (1, 11), (30, 33)) q(id, n) USING (id) WHEN MATCHED THEN UPDATE SET v = n "
    "WHEN NOT MATCHED THEN INSERT (id, v) VALUES (id, n) RETURNING merge_action, *",
    "MERGE INTO {t} AS x USING (VALUES (1)) q(i) ON i = x.id WHEN MATCHED THEN DELETE RETURNING x.id, merge_action AS did",
    "INSERT INTO {t} (id) VALUES (10) RETURNING nowhere",
    "INSERT INTO {t} (id) VALUES (10) RETURNING (SELECT 1)",
    "INSERT INTO {t} (id) VALUES (10) RETURNING excluded.id",
    "INSERT INTO {t} (id) VALUES (1) RETURNING id",
    "INSERT INTO {t} (id, nowhere) VALUES (10, 1) RETURNING id",
    "UPDATE {t} SET v = 'no number' RETURNING id",
]


@pytest.fixture
def con(attached):
    """A client that knows a table of the server, and has one just like it."""
    attached.execute("ATTACH ':memory:' AS here")
    for table in ("here.t", "dh.t"):
        attached.execute(f"CREATE TABLE {table} ({COLUMNS})")
        attached.execute(f"INSERT INTO {table} (id, v, s) SELECT range, range * 10, 'row ' || range FROM range(5)")
    attached.execute("FROM dh.t").fetchall()
    return attached


@pytest.fixture
def other(connect, server):
    """A client whose changes the first one does not hear of."""
    connection = connect()
    connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port})")
    return connection


def outcome(con, sql, parameters=None):
    """Columns and rows, or the error."""
    try:
        result = con.execute(sql, parameters)
        columns = [(column[0], str(column[1])) for column in result.description]
        return columns, sorted(result.fetchall(), key=str)
    except duckdb.Error as error:
        return type(error)


def rows(con, table="dh.t"):
    return con.execute(f"FROM {table} ORDER BY id").fetchall()


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_the_same_as_in_a_local_table(con, statement, in_transaction):
    outcomes = []
    for table in ("here.t", "dh.t"):
        if in_transaction:
            con.execute("BEGIN")
        outcomes.append(outcome(con, statement.format(t=table)))
        if in_transaction:
            con.execute("ROLLBACK" if isinstance(outcomes[-1], type) else "COMMIT")
        outcomes.append(rows(con, table))
    assert outcomes[:2] == outcomes[2:]


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_rollback_undoes_it(con, in_transaction):
    con.execute("BEGIN")
    assert con.execute("INSERT INTO dh.t (id) VALUES (10), (11) RETURNING id").fetchall() == [(10,), (11,)]
    assert con.execute("DELETE FROM dh.t WHERE id > 3 RETURNING id").fetchall() == [(4,), (10,), (11,)]
    con.execute("ROLLBACK")
    assert len(rows(con)) == 5


CHANGES = [
    ["ALTER TABLE dh.t ADD COLUMN more INTEGER DEFAULT 9"],
    ["ALTER TABLE dh.t DROP COLUMN s"],
    ["ALTER TABLE dh.t ALTER COLUMN v TYPE VARCHAR"],
    ["ALTER TABLE dh.t RENAME COLUMN s TO word"],
    ["ALTER TABLE dh.t ALTER COLUMN v SET DEFAULT 8"],
    ["DROP TABLE dh.t", "CREATE TABLE dh.t (x VARCHAR DEFAULT 'new', id BIGINT)"],
    ["CREATE TABLE dh.unrelated (i INTEGER)"],
]


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("in_transaction", [False, True])
@pytest.mark.parametrize("parameters", [False, True])
def test_the_table_has_changed_meanwhile(con, other, changes, in_transaction, parameters):
    for change in changes:
        other.execute(change)
    expected = outcome(other, "INSERT INTO dh.t (id) VALUES (10) RETURNING *")
    other.execute("DELETE FROM dh.t WHERE id = 10")
    if in_transaction:
        con.execute("BEGIN")
    if parameters:
        assert outcome(con, "INSERT INTO dh.t (id) VALUES (?) RETURNING *", [10]) == expected
    else:
        assert outcome(con, "INSERT INTO dh.t (id) VALUES (10) RETURNING *") == expected
    if in_transaction:
        con.execute("COMMIT")
    assert other.execute("SELECT count(*) FROM dh.t WHERE id = 10").fetchall() == [(1,)]


def test_the_table_is_gone(con, other):
    other.execute("DROP TABLE dh.t")
    with pytest.raises(duckdb.CatalogException, match="Table with name t does not exist"):
        con.execute("INSERT INTO dh.t (id) VALUES (10) RETURNING *")


def test_the_table_has_become_a_view(con, other):
    other.execute("DROP TABLE dh.t")
    other.execute("CREATE VIEW dh.t AS SELECT 1 AS id")
    with pytest.raises(duckdb.Error):
        con.execute("DELETE FROM dh.t RETURNING *")


def test_a_macro_of_the_server(con, other):
    """The client does not know of it, and has another function of a name."""
    con.execute("CREATE MACRO dh.twice(x) AS x * 2")
    other.execute("CREATE MACRO dh.upper(x) AS 17")
    twice = con.execute("INSERT INTO dh.t (id) VALUES (10) RETURNING twice(id) AS n")
    assert twice.fetchall() == [(20,)]
    assert con.execute("INSERT INTO dh.t (id, s) VALUES (11, 'x') RETURNING upper(s)").fetchall() in ([("X",)], [(17,)])
    assert len(rows(con)) == 7


def test_types_and_schemas_of_the_server(con, other):
    other.execute("CREATE SCHEMA dh.sales")
    other.execute("CREATE TYPE dh.mood AS ENUM ('good', 'bad')")
    other.execute("CREATE TABLE dh.sales.t (id INTEGER, m mood)")
    other.execute("CREATE TABLE dh.sales.\"odd table\" (\"odd id\" INTEGER)")
    for schema in (None, "dh.sales"):
        if schema:
            con.execute(f"USE {schema}")
        result = con.execute("INSERT INTO dh.sales.t VALUES (1, 'good') RETURNING m, id, sales.t.id AS again")
        assert [column[0] for column in result.description] == ["m", "id", "again"]
        assert result.fetchall() == [("good", 1, 1)]
        odd = con.execute('INSERT INTO dh.sales."odd table" VALUES (1) RETURNING "odd id", "odd table"."odd id" + 1')
        assert odd.fetchall() == [(1, 2)]
    assert con.execute("UPDATE t SET m = 'bad' RETURNING t.*").fetchall() == [(1, "bad"), (1, "bad")]


def test_a_registered_name(con):
    con.execute("PRAGMA duckherder_register_remote_table('mine', 't')")
    assert con.execute("INSERT INTO dh.mine (id) VALUES (10) RETURNING id, v").fetchall() == [(10, 7)]
    assert con.execute("DELETE FROM dh.mine WHERE id > 3 RETURNING mine.id").fetchall() == [(4,), (10,)]


def test_only_execution_changes_anything(con):
    con.execute("EXPLAIN INSERT INTO dh.t (id) VALUES (10) RETURNING *")
    con.execute("PREPARE p AS DELETE FROM dh.t RETURNING id")
    con.execute("PREPARE q AS INSERT INTO dh.t (id) VALUES ($1) RETURNING id")
    con.execute("EXPLAIN EXECUTE p")
    con.execute("EXPLAIN EXECUTE q(10)")
    con.execute("DESCRIBE FROM duckherder_query('dh', 'DELETE FROM t RETURNING id')")
    assert len(rows(con)) == 5
    for i in (10, 11):
        assert con.execute(f"EXECUTE q({i})").fetchall() == [(i,)]
    assert len(con.execute("EXECUTE p").fetchall()) == 7
    assert con.execute("EXECUTE p").fetchall() == []


def test_explain_analyze_runs_it_once(con):
    con.execute("EXPLAIN ANALYZE UPDATE dh.t SET v = v + 1 RETURNING v")
    assert [row[1] for row in rows(con)] == [1, 11, 21, 31, 41]


def test_what_may_not_be_executed_is_not_sent(con):
    con.execute("BEGIN TRANSACTION READ ONLY")
    with pytest.raises(duckdb.Error, match="read-only"):
        con.execute("INSERT INTO dh.t (id) VALUES (10) RETURNING id")
    con.execute("ROLLBACK")
    con.execute("BEGIN")
    con.execute("INSERT INTO here.t (id) VALUES (10)")
    with pytest.raises(duckdb.TransactionException, match="single attached database"):
        con.execute("INSERT INTO dh.t (id) VALUES (10) RETURNING id")
    con.execute("ROLLBACK")
    con.execute("BEGIN")
    with pytest.raises(duckdb.Error):
        con.execute("FROM nowhere")
    with pytest.raises(duckdb.TransactionException, match="aborted"):
        con.execute("INSERT INTO dh.t (id) VALUES (10) RETURNING id")
    con.execute("ROLLBACK")
    assert len(rows(con)) == 5


def test_a_server_attached_to_be_read(con, connect, server):
    reader = connect()
    reader.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh (READ_ONLY)")
    reader.execute("FROM dh.t").fetchall()
    with pytest.raises(duckdb.Error, match="read-only"):
        reader.execute("INSERT INTO dh.t (id) VALUES (10) RETURNING id")
    assert len(rows(con)) == 5


def test_as_a_part_of_a_statement(con):
    """Its columns are known, but its execution is the plan's to begin."""
    assert con.execute("SELECT count(*) FROM duckherder_query('dh', 'DELETE FROM t RETURNING id')").fetchall() == [(5,)]
    inserted = "FROM duckherder_query('dh', 'INSERT INTO t (id) VALUES (1), (2) RETURNING id, v') ORDER BY id DESC"
    assert con.execute(inserted).fetchall() == [(2, 7), (1, 7)]
    assert len(rows(con)) == 2


def test_connected(con, other):
    con.execute("CONNECT dh")
    assert con.execute("INSERT INTO t (id) VALUES (10) RETURNING id, s").fetchall() == [(10, None)]
    other.execute("ALTER TABLE dh.t ADD COLUMN more INTEGER DEFAULT 9")
    assert con.execute("DELETE FROM t WHERE id = 10 RETURNING *").fetchall()[0][-1] == 9
    con.execute("DISCONNECT")


def test_many_rows(con):
    result = con.execute("INSERT INTO dh.t (id) SELECT range FROM range(10, 300010) RETURNING id, g")
    ids = [row[0] for row in result.fetchall()]
    assert sorted(ids) == list(range(10, 300010))
    assert len(con.execute("DELETE FROM dh.t WHERE id >= 10 RETURNING *").fetchall()) == 300000
    assert len(rows(con)) == 5
