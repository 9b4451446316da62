"""Statements that change a remote table and read what only the client has."""

import duckdb
import pandas
import pytest


@pytest.fixture
def con(attached):
    attached.execute("CREATE TABLE dh.t (id INTEGER PRIMARY KEY, v INTEGER, s VARCHAR)")
    attached.execute("INSERT INTO dh.t SELECT range, range * 10, 'row ' || range FROM range(5)")
    attached.execute("CREATE TABLE here AS SELECT * FROM (VALUES (1, 100), (3, NULL), (9, 900)) t(id, v)")
    return attached


def rows(con):
    return con.execute("SELECT id, v FROM dh.t ORDER BY id").fetchall()


def test_parameters(con):
    update = "UPDATE dh.t SET v = h.v + $1 FROM here h WHERE h.id = t.id RETURNING t.id, t.v"
    assert sorted(con.execute(update, [1]).fetchall()) == [(1, 101), (3, None)]
    delete = "DELETE FROM dh.t WHERE id IN (SELECT id FROM here WHERE id > $least)"
    assert con.execute(delete, {"least": 1}).fetchall() == [(1,)]
    assert rows(con) == [(0, 0), (1, 101), (2, 20), (4, 40)]
    with pytest.raises(duckdb.InvalidInputException, match="excess parameters: other"):
        con.execute(delete, {"least": 1, "other": 2})


def test_parameters_of_a_part(con):
    insert = "INSERT INTO dh.t SELECT id + $1, $2, $3 FROM here WHERE id > $1 RETURNING *"
    assert sorted(con.execute(insert, [5, None, "new"]).fetchall()) == [(14, None, "new")]
    merge = "MERGE INTO dh.t USING here h ON h.id + $1 = t.id WHEN MATCHED THEN UPDATE SET s = $2"
    assert con.executemany(merge, [[5, "one"], [1, "two"]]).fetchall() == [(2,)]
    assert con.execute("SELECT id, s FROM dh.t WHERE s IN ('one', 'two') ORDER BY id").fetchall() == [
        (2, "two"),
        (4, "two"),
        (14, "one"),
    ]


def test_prepared_and_executed_again(con):
    con.execute("PREPARE up AS UPDATE dh.t SET v = h.v + $1 FROM here h WHERE h.id = t.id")
    assert con.execute("EXECUTE up(1)").fetchall() == [(2,)]
    con.execute("INSERT INTO here VALUES (0, 5)")
    assert con.execute("EXECUTE up(2)").fetchall() == [(3,)]
    assert rows(con) == [(0, 7), (1, 102), (2, 20), (3, None), (4, 40)]


def test_explain_changes_nothing(con):
    plan = con.execute("EXPLAIN DELETE FROM dh.t USING here h WHERE h.id = t.id RETURNING t.id").fetchall()[0][1]
    assert "Remote Statement" in plan and "Local Input" in plan
    assert len(rows(con)) == 5


def test_explain_analyze_runs_it_once(con):
    con.execute("EXPLAIN ANALYZE UPDATE dh.t SET v = t.v + 1 FROM here h WHERE h.id = t.id")
    assert rows(con) == [(0, 0), (1, 11), (2, 20), (3, 31), (4, 40)]


def test_data_frames(con):
    frame = pandas.DataFrame({"id": [2, 4, 7], "v": [-2, -4, -7]})
    assert con.execute("UPDATE dh.t SET v = frame.v FROM frame WHERE frame.id = t.id").fetchall() == [(2,)]
    merged = con.execute(
        "MERGE INTO dh.t USING frame ON t.id = frame.id WHEN NOT MATCHED THEN INSERT (id, v) VALUES (frame.id, frame.v) "
        "RETURNING id, v"
    ).fetchall()
    assert merged == [(7, -7)]
    upserted = con.execute(
        "INSERT INTO dh.t (id, v) SELECT id, v FROM frame ON CONFLICT DO UPDATE SET v = excluded.v * 2 RETURNING v"
    ).fetchall()
    assert sorted(upserted) == [(-14,), (-8,), (-4,)]


def test_functions_of_the_client_in_the_input(con):
    con.create_function("twice", lambda x: None if x is None else 2 * x, ["INTEGER"], "INTEGER")
    con.execute("UPDATE dh.t SET v = h.w FROM (SELECT id, twice(v) AS w FROM here) h WHERE h.id = t.id")
    assert rows(con)[1] == (1, 200)


def test_functions_of_the_client_over_remote_columns_are_an_error(con):
    con.create_function("twice", lambda x: 2 * x, ["INTEGER"], "INTEGER")
    with pytest.raises(duckdb.NotImplementedException, match='UPDATE of remote table "t".*function that only this client'):
        con.execute("UPDATE dh.t SET v = twice(v)")
    assert rows(con)[1] == (1, 10)


def test_nothing_is_left_behind(con):
    con.execute("UPDATE dh.t SET v = h.v FROM here h WHERE h.id = t.id")
    with pytest.raises(duckdb.ConstraintException):
        con.execute("INSERT INTO dh.t SELECT id, v, NULL FROM here WHERE id = 1 RETURNING *")
    left = con.execute("FROM duckherder_query('dh', 'SELECT count(*) FROM duckdb_tables() WHERE temporary')").fetchall()
    assert left == [(0,)]


def test_many_rows_in_their_order(con):
    con.execute("CREATE TABLE dh.big (id BIGINT, s VARCHAR)")
    con.execute("CREATE TABLE source AS SELECT range AS id, repeat('x', 100) || range AS s FROM range(300_000)")
    returned = con.execute("INSERT INTO dh.big SELECT * FROM source RETURNING id").fetchall()
    assert returned == [(i,) for i in range(300_000)]
    deleted = con.execute("DELETE FROM dh.big USING source WHERE source.id = big.id AND source.id % 2 = 0").fetchall()
    assert deleted == [(150_000,)]


def test_another_database_of_the_client(con):
    con.execute("ATTACH ':memory:' AS other")
    con.execute("CREATE TABLE other.x AS SELECT 2 AS id")
    con.execute("DELETE FROM dh.t USING other.x WHERE x.id = t.id")
    assert [row[0] for row in rows(con)] == [0, 1, 3, 4]
