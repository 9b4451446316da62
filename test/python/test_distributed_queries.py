"""Queries on a driver and its workers have the answers of one DuckDB, also when workers fail."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from clusters import WORKERS, Cluster
from conftest import TPC_TABLES
from waiting import LIMIT_S, until


@pytest.fixture(scope="module")
def tpcds() -> Iterator[Cluster]:
    cluster = Cluster()
    for number in range(WORKERS):
        cluster.start(f"w{number}")
    files = sorted(TPC_TABLES.glob("*.parquet"))
    assert files, f"no tables in {TPC_TABLES}"
    for file in files:
        cluster.view(file.stem, f"read_parquet('{file}')")
    yield cluster
    cluster.end()


@pytest.mark.parametrize("number", range(1, 100))
def test_tpcds(tpcds: Cluster, number: int) -> None:
    query = (TPC_TABLES / f"{number:02}.sql").read_text().strip()
    query = re.sub(r"(LIMIT 100\s*)?;$", "", query, flags=re.IGNORECASE)
    assert tpcds.compare(query) == ""


QUERIES = (
    "SELECT count(*), sum(i), min(s), max(d), avg(i) FROM t",
    "SELECT g, count(*), sum(d), avg(k), count(DISTINCT s) FROM t GROUP BY g",
    "SELECT s, median(i), stddev(d) FROM t GROUP BY s",
    "SELECT DISTINCT g, s FROM t",
    "SELECT * FROM t WHERE i % 1000 = 7",
    "SELECT i, s FROM t ORDER BY s, i DESC LIMIT 20 OFFSET 7",
    "SELECT g, count(*), sum(i) FROM (SELECT g, i FROM t ORDER BY s, i DESC LIMIT 20 OFFSET 7) GROUP BY g",
    "SELECT tens, count(*), sum(i) FROM t JOIN keys USING (k) GROUP BY tens",
    "SELECT t.k, count(keys.tens) FROM t LEFT JOIN keys ON t.k = keys.k AND keys.tens = 3 GROUP BY ALL",
    "SELECT tens, i FROM (FROM t WHERE i < 500) x FULL JOIN keys ON x.i = keys.k * 2",
    "SELECT count(*) FROM t WHERE k NOT IN (SELECT k FROM keys WHERE tens > 2)",
    "SELECT count(*) FROM t a WHERE EXISTS (FROM parts b WHERE b.i = a.i + 1 AND b.g = 3)",
    "SELECT a.g, count(*) FROM t a JOIN parts b USING (i, g) GROUP BY 1",
    "SELECT g, i, row_number() OVER (PARTITION BY g ORDER BY i DESC) r, sum(k) OVER (PARTITION BY g, s) FROM t QUALIFY r < 5",
    "SELECT k FROM t EXCEPT SELECT k FROM keys WHERE tens < 5",
    "SELECT k FROM t WHERE i < 3000 INTERSECT ALL SELECT k FROM keys",
    "SELECT g, s FROM t UNION SELECT g, s FROM parts",
    "SELECT g, sum(n) FROM (SELECT g, i AS n FROM t UNION ALL SELECT g, 1 FROM parts) GROUP BY g",
    "SELECT unnest(l) AS u, count(*) FROM t WHERE i < 1000 GROUP BY u",
    "WITH x AS MATERIALIZED (SELECT g, sum(i) AS n FROM t GROUP BY g) SELECT a.g, a.n - b.n FROM x a JOIN x b ON a.g = b.g + 1",
    "SELECT g, (SELECT max(i) FROM parts p WHERE p.g = t.g) AS m, count(*) FROM t GROUP BY ALL",
    "SELECT count(*) FROM parts WHERE g = 3",
    "SELECT g, count(*) FROM parts WHERE g > 4 GROUP BY g",
    "SELECT g, s, sum(i) FROM t GROUP BY ROLLUP (g, s)",
    "SELECT sum(i) FILTER (WHERE g = 1), count(*) FILTER (WHERE s LIKE '%7') FROM t",
    "SELECT count(*) FROM t, (SELECT max(i) AS m FROM parts) WHERE i > m - 10",
    "SELECT string_agg(s, ',' ORDER BY i) FROM t WHERE i < 100",
    "SELECT s, i FROM t LIMIT 5",
    "SELECT g, sum(hash(s)) FROM t GROUP BY g HAVING count(*) > 28571",
    "SELECT a.s FROM (FROM t WHERE i < 100) a LEFT JOIN keys b ON a.g > 3",
    # Aggregates of which tasks send states
    "SELECT g, avg(d), stddev(d), stddev_pop(i), variance(k), var_pop(d), count(*) FROM t GROUP BY g",
    # Differences of large numbers, of which the last digits are lost in any case
    "SELECT round(corr(i, k), 9), round(covar_samp(i, d), 3), round(covar_pop(i, k), 3), round(regr_r2(i, k), 9), fsum(d), min(s) FROM t",
    "SELECT round(skewness(d), 6), round(kurtosis(k), 6), round(regr_slope(i, k), 6), round(regr_intercept(i, k), 3) FROM t",
    "SELECT stddev(d) FILTER (WHERE g = 1), avg(d) FILTER (WHERE g = 99), avg(DISTINCT k) FROM t",
    "SELECT avg(d), stddev(d) FROM t WHERE i < 0",
    "SELECT g, s, avg(d), stddev(i), count(*) FROM t GROUP BY CUBE (g, s)",
    "SELECT s, avg(i), grouping(g) FROM t GROUP BY GROUPING SETS ((s), (g, s), ())",
    "SELECT g, avg(n) FROM (SELECT g, s, stddev(i) AS n FROM t GROUP BY g, s) GROUP BY g",
)


@pytest.mark.parametrize("query", QUERIES)
def test_query(cluster: Cluster, query: str) -> None:
    assert cluster.compare(query) == ""


def test_files_whose_first_is_empty(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    cluster.client.execute(f"COPY (SELECT 1 AS i WHERE false) TO '{tmp_path}/some/0.parquet'")
    cluster.client.execute(f"COPY (SELECT range::INTEGER AS i FROM range(3000000)) TO '{tmp_path}/some/1.parquet'")
    cluster.view("later", f"read_parquet('{tmp_path}/some/*.parquet')")
    cluster.client.execute("SET duckherder_distribution = 'auto'")
    query = "SELECT count(*) FROM later WHERE i % 3 = 1"
    assert "Stage 1" in cluster.plan(query)
    assert cluster.compare(query) == ""


def test_each_file_is_looked_into_once(cluster: Cluster, tmp_path: Path) -> None:
    """However often the plan of a statement is tried; the first file tells the columns, too."""
    (tmp_path / "some").mkdir()
    for name, rows in (("a", 0), ("b", 3_000_000), ("c", 1000)):
        cluster.client.execute(f"COPY (SELECT range::INTEGER AS i FROM range({rows})) TO '{tmp_path}/some/{name}.parquet'")
    cluster.view("later", f"read_parquet('{tmp_path}/some/*.parquet')")
    cluster.client.execute("SET duckherder_distribution = 'auto'")
    cluster.client.execute("FROM duckherder_query('dh', $$CALL enable_logging('FileSystem')$$)")
    # The LIMIT lets the driver try the plan level by level
    plan = cluster.plan("SELECT max(n) FROM (SELECT a.i % 7 AS g, count(*) AS n FROM later a JOIN later b USING (i) GROUP BY g ORDER BY g LIMIT 4)")
    assert "Stage 1" in plan
    opened = "SELECT parse_filename(path), count(*) FROM duckdb_logs_parsed('FileSystem') WHERE op = 'OPEN' GROUP BY ALL"
    counts = dict(cluster.client.execute(f"FROM duckherder_query('dh', $${opened}$$)").fetchall())
    assert (counts["b.parquet"], counts["c.parquet"]) == (1, 1), counts


def test_tasks_aggregate_what_they_read(cluster: Cluster) -> None:
    """As in TPC-H Q1: sums and averages of DECIMALs and integers are exact in parts."""
    query = "SELECT g, k % 2 AS h, sum(d), sum(d * (1 - k)), avg(d), avg(i), count(*) FROM t GROUP BY ALL ORDER BY ALL"
    assert "GROUP_BY_MERGE" in cluster.plan(query)
    assert cluster.compare(query) == ""
    cluster.client.execute("USE dh")
    expected = cluster.client.execute(query).fetchall()
    rows = cluster.client.execute("SELECT rows_exchanged FROM duckherder_get_query_execution_stats() ORDER BY query_id DESC LIMIT 1").fetchone()
    # Groups of each task, and all groups to the driver
    assert rows == (WORKERS * len(expected) + len(expected),)


def test_explain_shows_stages(cluster: Cluster) -> None:
    plan = cluster.plan("SELECT g, sum(i) FROM t GROUP BY g")
    assert "Stage 1" in plan and "ROW_GROUP_PARTITION" in plan
    cluster.client.execute("SET duckherder_distribution = 'off'")
    assert "Stage 1" not in cluster.plan("SELECT g, sum(i) FROM t GROUP BY g")
    cluster.client.execute("SET duckherder_distribution = 'auto'")
    # So few rows do not pay
    assert "Stage 1" not in cluster.plan("SELECT g, sum(i) FROM t GROUP BY g")


def test_settings_are_checked(cluster: Cluster) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="Valid values are: auto, off, force"):
        cluster.client.execute("SET duckherder_distribution = 'perhaps'")
    with pytest.raises(duckdb.InvalidInputException, match="between 1 and 1024"):
        cluster.client.execute("SET duckherder_tasks_per_worker = 0")
    cluster.client.execute("SET duckherder_tasks_per_worker = 2")
    assert cluster.compare("SELECT g, sum(i) FROM t GROUP BY g") == ""


SETTINGS = (
    "default_null_order = 'nulls_first'",
    "default_order = 'desc'",
    "integer_division = true",
    "ieee_floating_point_ops = false",
    "scalar_subquery_error_on_multiple_rows = false",
    "preserve_insertion_order = false",
)


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_the_session_hold(cluster: Cluster, setting: str) -> None:
    """They are those of the client, wherever a part of the query runs."""
    cluster.client.execute(f"SET {setting}")
    for query in (
        "SELECT g, nullif(k, 3) AS n FROM t ORDER BY n, g LIMIT 7 OFFSET 2",
        "SELECT g, first_value(n) OVER (PARTITION BY g ORDER BY n, i) FROM (SELECT g, i, nullif(k, 3) AS n FROM t WHERE i < 5000)",
        "SELECT sum((i / 7)::DECIMAL(18, 4)), sum((k / nullif(g, 0))::DECIMAL(18, 4)), count(d / 0), max(ln(d + 1)) FROM t",
        "SELECT g, (SELECT max(k) FROM keys WHERE keys.tens = t.g GROUP BY tens) AS m, count(*) FROM t GROUP BY ALL",
    ):
        assert cluster.compare(query, may_fail=True) == "", setting


def test_errors_are_duckdbs(cluster: Cluster) -> None:
    cluster.client.execute("USE dh")
    with pytest.raises(duckdb.ConversionException, match="Could not convert string .text"):
        cluster.client.execute("SELECT sum(s::INTEGER) FROM t").fetchall()


def test_a_missing_file_is_named(cluster: Cluster, tmp_path: Path) -> None:
    cluster.client.execute("USE dh")
    (tmp_path / "t.parquet").unlink()
    with pytest.raises(duckdb.IOException, match="t.parquet"):
        cluster.client.execute("SELECT g, sum(i) FROM t GROUP BY g").fetchall()


def test_time_zones_travel(cluster: Cluster) -> None:
    cluster.client.execute("SET TimeZone = 'Asia/Kathmandu'")
    query = "SELECT (TIMESTAMPTZ '2024-01-01 00:00:00+00' + i * INTERVAL 1 MINUTE)::DATE::VARCHAR AS day, count(*) FROM t GROUP BY day"
    assert cluster.compare(query) == ""


def test_changes_read_what_was_distributed(cluster: Cluster) -> None:
    cluster.client.execute("CREATE TABLE dh.sums AS SELECT g, sum(i) AS n FROM dh.t GROUP BY g")
    cluster.client.execute("INSERT INTO dh.sums SELECT g, count(*) FROM dh.parts GROUP BY g")
    here = cluster.client.execute("SELECT sum(n) FROM (SELECT sum(i) n FROM t UNION ALL SELECT count(*) FROM parts)").fetchone()
    assert cluster.client.execute("SELECT sum(n) FROM dh.sums").fetchone() == here


@pytest.mark.parametrize("fate", ["killed", "stopped"])
def test_a_worker_is_lost_on_the_way(cluster: Cluster, fate: str) -> None:
    """The query begins anew on the others, or fails with an IO error in time; never with another answer."""
    query = "SELECT a.s, count(*), sum(b.d) FROM t a JOIN parts b ON a.i = b.i JOIN t c ON b.i = c.i GROUP BY a.s"
    cluster.client.execute("USE memory")
    expected = sorted(cluster.client.execute(query).fetchall())
    victim = cluster.workers["w1"].pid
    timer = threading.Timer(0.1, os.kill, (victim, signal.SIGKILL if fate == "killed" else signal.SIGSTOP))
    timer.start()
    cluster.client.execute("USE dh")
    outcomes = []
    try:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline and outcomes[-3:] != ["same"] * 3:
            try:
                assert sorted(cluster.client.execute(query).fetchall()) == expected
                outcomes.append("same")
            except duckdb.IOException as error:
                outcomes.append(str(error))
    finally:
        timer.join()
        os.kill(victim, signal.SIGKILL)
    assert outcomes[-3:] == ["same"] * 3, outcomes
    cluster.wait_for(WORKERS - 1)
    assert sorted(cluster.client.execute(query).fetchall()) == expected


def test_an_interrupt_reaches_the_workers(cluster: Cluster) -> None:
    cluster.client.execute("USE dh")
    threading.Timer(0.5, cluster.client.interrupt).start()
    begun = time.monotonic()
    with pytest.raises(duckdb.InterruptException):
        cluster.client.execute("SELECT count(*) FROM t a JOIN t b ON a.g = b.g JOIN t c ON b.k = c.k WHERE a.d + b.d < c.d").fetchall()
    assert time.monotonic() - begun < 20
    running = "SELECT sum(tasks_running) FROM duckherder_workers()"
    until(lambda: cluster.client.execute(running).fetchone() == (0,), "the tasks end")
