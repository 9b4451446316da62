"""Distributed queries that also read what only the driver has: its native tables, and what must be computed in one place."""

import os
import signal
import threading

import duckdb
import pytest
from clusters import WORKERS, Cluster


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """Beside the files: `names` is small, `facts` is large, `nothing` is empty, all native tables of the driver."""
    cluster.table("names", "SELECT g, 'name ' || g AS name, g / 3 AS third FROM range(7) r(g)")
    cluster.table(
        "facts",
        "SELECT i, i % 11 AS g, i % 500 AS k, i / 7 AS d, {'a': i, 'b': [i % 3]} AS n, (i % 100)::DECIMAL(9, 2) AS m, "
        "INTERVAL (i) SECOND AS v, ('x' || i % 5)::ENUM ('x0', 'x1', 'x2', 'x3', 'x4') AS e FROM range(100000) r(i)",
    )
    cluster.table("nothing", "SELECT 1::BIGINT AS i, 'x' AS s WHERE false")
    return cluster


MIXED = (
    "SELECT name, count(*), sum(i) FROM t JOIN names USING (g) GROUP BY name",
    "SELECT name, count(t.i) FROM names LEFT JOIN t ON t.g = names.g AND t.k < 3 GROUP BY name",
    "SELECT count(*), sum(t.i + facts.i) FROM t JOIN facts USING (i, k)",
    "SELECT t.g, sum(m), max(v), min(e) FROM t JOIN facts ON t.i = facts.i * 2 GROUP BY t.g",
    "SELECT e, n.b, count(*) FROM facts JOIN parts USING (i) GROUP BY ALL",
    "SELECT count(*) FROM t FULL JOIN facts ON t.i = facts.i + 150000",
    "SELECT count(*) FROM facts WHERE k NOT IN (SELECT k FROM keys WHERE tens > 2)",
    "SELECT count(*) FROM t WHERE EXISTS (FROM facts WHERE facts.i = t.i AND facts.g = 3)",
    "SELECT count(*) FROM t JOIN nothing USING (i)",
    "SELECT count(*) FROM t LEFT JOIN nothing USING (i) WHERE nothing.s IS NULL",
    "SELECT g, count(*) FROM (SELECT g FROM t UNION ALL SELECT g FROM facts) GROUP BY g",
    "SELECT k FROM facts EXCEPT SELECT k FROM t WHERE g < 5",
    "SELECT g, i, rank() OVER (PARTITION BY g ORDER BY i DESC) r FROM (SELECT g, i FROM t UNION ALL SELECT g, -i FROM facts) QUALIFY r < 4",
    "SELECT t.i, name FROM t JOIN names USING (g) ORDER BY t.s, t.i DESC LIMIT 12",
    # What must be computed in one place
    "SELECT count(*), sum(x.d) FROM t JOIN (SELECT DISTINCT ON (g) g, k, i, d FROM parts ORDER BY g, i DESC) x USING (g)",
    "SELECT count(*) FROM t JOIN (SELECT g, list(k ORDER BY i) AS l FROM parts WHERE i < 1000 GROUP BY g) x USING (g) WHERE x.l[1] < k",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n * 3 FROM r WHERE n < 100000) SELECT count(*), sum(t.i) FROM t JOIN r ON t.i = r.n",
    "SELECT g, (SELECT count(*) FROM facts WHERE facts.g = t.g AND facts.k = t.k) AS n, count(*) FROM t WHERE i < 5000 GROUP BY ALL",
    "SELECT count(*) FROM t JOIN (SELECT i FROM facts ORDER BY k, i LIMIT 1000) USING (i)",
    "WITH x AS MATERIALIZED (SELECT g, sum(i) AS n FROM facts GROUP BY g) SELECT a.g, a.n, count(t.i) FROM x a JOIN x b ON a.n = b.n JOIN t ON t.g = a.g GROUP BY ALL",
    # Only what the driver has
    "SELECT g, count(*), sum(m), max(n), list_sort(list(DISTINCT e)) FROM facts GROUP BY g",
    "SELECT count(*), sum(a.i) FROM facts a JOIN facts b ON a.i = b.k",
    "SELECT k, sum(i) OVER (PARTITION BY k ORDER BY i) FROM facts WHERE i < 3000",
    "SELECT count(*) FROM facts",
    "SELECT count(DISTINCT g), count(DISTINCT v) FROM facts",
    "FROM nothing ORDER BY i",
)


@pytest.mark.parametrize("query", MIXED)
def test_query(cluster: Cluster, query: str) -> None:
    assert cluster.compare(query) == ""


def test_small_tables_are_read_by_every_task(cluster: Cluster) -> None:
    cluster.client.execute("SET duckherder_distribution = 'auto'")
    cluster.client.execute("SET duckherder_distribution_threshold = 1000")
    query = "SELECT name, count(*), sum(i) FROM t JOIN names USING (g) GROUP BY name"
    plan = cluster.plan(query)
    assert "Feed" in plan and "broadcast of stage" in plan, plan
    assert cluster.compare(query) == ""


def test_more_rows_of_the_driver_than_of_files_stay_where_they_are(cluster: Cluster) -> None:
    cluster.client.execute("SET duckherder_distribution = 'auto'")
    cluster.client.execute("SET duckherder_distribution_threshold = 1000")
    query = "SELECT count(*) FROM facts f JOIN facts e USING (i) JOIN t USING (i) WHERE t.k = 3"
    assert cluster.compare(query) == ""
    query = "SELECT count(*) FROM facts JOIN keys USING (k)"
    assert "Feed" not in cluster.plan(query)
    assert cluster.compare(query) == ""


def test_own_changes_are_seen(cluster: Cluster) -> None:
    query = "SELECT name, count(*) FROM dh.t JOIN dh.names USING (g) GROUP BY name ORDER BY name"
    before = cluster.client.execute(query).fetchall()
    assert len(before) == 7
    cluster.client.execute("BEGIN")
    cluster.client.execute("DELETE FROM dh.names WHERE g > 2")
    cluster.client.execute("UPDATE dh.names SET name = 'zero' WHERE g = 0")
    other = cluster.client.cursor()
    assert other.execute(query).fetchall() == before
    assert [row[0] for row in cluster.client.execute(query).fetchall()] == ["name 1", "name 2", "zero"]
    cluster.client.execute("ROLLBACK")
    assert cluster.client.execute(query).fetchall() == before


def test_a_prepared_statement_reads_anew(cluster: Cluster) -> None:
    cluster.client.execute("PREPARE p AS SELECT count(*) FROM dh.t JOIN dh.names USING (g)")
    assert cluster.client.execute("EXECUTE p").fetchone() == (200000,)
    cluster.client.execute("DELETE FROM dh.names WHERE g = 0")
    left = cluster.client.execute("SELECT count(*) FROM memory.t WHERE g > 0").fetchone()
    assert cluster.client.execute("EXECUTE p").fetchone() == left
    assert cluster.client.execute("EXECUTE p").fetchone() == left


def test_changes_read_files_and_tables(cluster: Cluster) -> None:
    for target in ("memory", "dh"):
        cluster.client.execute(f"USE {target}")
        cluster.client.execute("CREATE TABLE changed AS SELECT g, name, 0::HUGEINT AS n FROM names")
        cluster.client.execute("UPDATE changed SET n = x.n FROM (SELECT g, sum(i) AS n FROM t GROUP BY g) x WHERE changed.g = x.g")
        cluster.client.execute("INSERT INTO changed SELECT names.g + 10, name, count(*) FROM names JOIN parts USING (g) GROUP BY ALL")
        cluster.client.execute("DELETE FROM changed USING keys WHERE keys.k = changed.g AND tens = 3")
        cluster.client.execute(
            "MERGE INTO changed USING (SELECT g + 10 AS g, max(i) AS m FROM t GROUP BY g) x ON changed.g = x.g "
            "WHEN MATCHED AND x.g < 13 THEN UPDATE SET n = m WHEN NOT MATCHED THEN INSERT VALUES (x.g, 'new', m)"
        )
    assert cluster.compare("FROM changed") == ""


def test_what_differs_each_time_is_computed_once(cluster: Cluster) -> None:
    """Every reader of a common table expression, and every task, sees the same rows."""
    cluster.client.execute("CREATE SEQUENCE dh.counted")
    cluster.client.execute("USE dh")
    for query in (
        # Sums of DOUBLEs depend on the order of rows
        "WITH x AS MATERIALIZED (SELECT k, sum(sin(i)) AS n FROM t GROUP BY k) SELECT count(*) = 1000 FROM x a JOIN x b ON a.k = b.k AND a.n = b.n",
        "WITH x AS MATERIALIZED (SELECT k, sum(sin(i)) AS n FROM t GROUP BY k) SELECT count(*) = 1 FROM x WHERE n = (SELECT max(n) FROM x)",
        # Which of equals come first
        "WITH x AS MATERIALIZED (SELECT i FROM t ORDER BY g LIMIT 500) SELECT count(*) = 500 FROM x a JOIN x b USING (i)",
        "WITH x AS MATERIALIZED (SELECT i, row_number() OVER (ORDER BY g) AS r FROM t) SELECT count(*) = 200000 FROM x a JOIN x b USING (i, r)",
        "WITH x AS MATERIALIZED (SELECT i, random() AS r FROM t) SELECT count(*) = 200000 FROM x a JOIN x b USING (i, r)",
        "SELECT count(DISTINCT n) = count(*) AND max(n) = 200000 FROM (SELECT nextval('counted') AS n FROM t)",
        "SELECT count(*) = 200000 FROM (SELECT r, r AS same FROM (SELECT random() AS r FROM t)) WHERE r = same",
    ):
        assert cluster.client.execute(query).fetchone() == (True,), query


def test_many_rows_are_fed(cluster: Cluster) -> None:
    """More than a feed holds in memory."""
    cluster.table("wide", "SELECT i, repeat('x', 200) || i AS s FROM range(600000) r(i)")
    assert cluster.compare("SELECT count(*), sum(length(wide.s)), max(wide.s) FROM wide JOIN t USING (i)") == ""


def test_explain_says_what_runs_where(cluster: Cluster) -> None:
    plan = cluster.plan("SELECT count(*) FROM t JOIN facts USING (i)")
    assert "Feed" in plan and "fed by the driver" in plan, plan
    plan = cluster.plan("SELECT s, i FROM t LIMIT 5")
    assert "On The Driver" in plan and "which rows come first" in plan, plan
    assert "On The Driver" not in cluster.plan("SELECT g, count(*) FROM t GROUP BY g")


@pytest.mark.parametrize("fate", ["killed", "stopped"])
def test_a_worker_is_lost_while_it_is_fed(cluster: Cluster, fate: str) -> None:
    cluster.table("wide", "SELECT i, repeat('x', 100) || i AS s FROM range(300000) r(i)")
    query = "SELECT g, count(*), max(wide.s) FROM wide JOIN t USING (i) GROUP BY g"
    victim = cluster.workers["w1"].pid
    timer = threading.Timer(0.15, os.kill, (victim, signal.SIGKILL if fate == "killed" else signal.SIGSTOP))
    timer.start()
    try:
        for _ in range(20):
            difference = cluster.compare(query, may_fail=True)
            assert not difference or "IOException" in difference, difference
    finally:
        timer.join()
        os.kill(victim, signal.SIGKILL)
    cluster.wait_for(WORKERS - 1)
    assert cluster.compare(query) == ""


def test_errors_while_feeding_are_duckdbs(cluster: Cluster) -> None:
    cluster.client.execute("USE dh")
    with pytest.raises(duckdb.ConversionException, match="Could not convert string .name"):
        cluster.client.execute("SELECT count(*) FROM t JOIN (SELECT name::INTEGER AS g FROM names) USING (g)").fetchall()
    assert cluster.client.execute("SELECT count(*) FROM t JOIN names USING (g)").fetchone() == (200000,)
