"""What workers have done for a query: in duckherder_get_query_execution_stats(), and in EXPLAIN ANALYZE."""

import json
import re
import time
from collections.abc import Iterator

import pytest
from test_distributed_queries import Cluster

WORKERS = 3
ROWS = 200_000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """`t` has twenty row groups, `one` a single one."""
    folder = tmp_path_factory.mktemp("files")
    result = Cluster()
    for number in range(WORKERS):
        result.start(f"w{number}")
    rows = f"SELECT i, i % 7 AS g, i % 1000 AS k, 'text ' || i % 97 AS s FROM range({ROWS}) r(i)"
    result.client.execute(f"COPY ({rows}) TO '{folder}/t.parquet' (ROW_GROUP_SIZE 10000)")
    result.client.execute(f"COPY ({rows} LIMIT 50000) TO '{folder}/one.parquet' (ROW_GROUP_SIZE 100000)")
    result.view("t", f"read_parquet('{folder}/t.parquet')")
    result.view("one", f"read_parquet('{folder}/one.parquet')")
    yield result
    result.end()


@pytest.fixture(autouse=True)
def forced(cluster: Cluster) -> Iterator[None]:
    cluster.client.execute("SET duckherder_distribution = 'force'; USE dh")
    yield
    cluster.client.execute("USE memory")


def last(cluster: Cluster, columns: str) -> tuple:
    sql = f"SELECT {columns} FROM duckherder_get_query_execution_stats() ORDER BY query_id DESC LIMIT 1"
    return cluster.client.execute(sql).fetchone()


def run(cluster: Cluster, query: str) -> tuple:
    cluster.client.execute(query).fetchall()
    return last(cluster, "execution_mode, merge_strategy, num_workers_used, num_stages, num_tasks_generated")


def test_modes_and_merges(cluster: Cluster) -> None:
    assert run(cluster, "SELECT i FROM t WHERE k = 3") == ("ROW_GROUP_PARTITION", "CONCATENATE", 3, 1, 3)
    assert run(cluster, "SELECT sum(i) FROM t") == ("ROW_GROUP_PARTITION", "AGGREGATE_MERGE", 3, 2, 4)
    assert run(cluster, "SELECT g, sum(i) FROM t GROUP BY g") == ("ROW_GROUP_PARTITION", "GROUP_BY_MERGE", 3, 2, 6)
    assert run(cluster, "SELECT DISTINCT s FROM t") == ("ROW_GROUP_PARTITION", "DISTINCT_MERGE", 3, 2, 6)
    assert run(cluster, "SELECT s, i FROM t ORDER BY s, i LIMIT 3")[1] == "TOP_N_MERGE"
    assert run(cluster, "SELECT i FROM one WHERE k = 3") == ("NATURAL_PARTITION", "CONCATENATE", 3, 1, 3)
    cluster.client.execute("SET duckherder_distribution = 'off'")
    assert run(cluster, "SELECT sum(i) FROM t") == ("LOCAL", None, 0, 0, 0)


def test_what_has_moved(cluster: Cluster) -> None:
    cluster.client.execute("SELECT g, sum(i) FROM t GROUP BY g").fetchall()
    rows, size, cpu = last(cluster, "rows_exchanged, bytes_exchanged, worker_cpu_ms")
    assert rows == WORKERS * 7 + 7, "groups of each task, and all groups to the driver"
    # 7, and a sum, and a hash on the way
    assert 7 * rows < size < 100 * rows
    assert cpu > 0
    # Each task gets all keys, the driver a row of each
    cluster.client.execute("SELECT count(*) FROM t JOIN (SELECT DISTINCT k FROM one WHERE k < 50) USING (k)").fetchall()
    assert last(cluster, "rows_exchanged")[0] > WORKERS * 50


def test_distinct_values_are_counted_in_parts(cluster: Cluster) -> None:
    """Tasks drop their own duplicates first; DuckDB's optimizer makes two GROUP BY of it."""
    cluster.client.execute("SELECT count(DISTINCT k) FROM t").fetchall()
    assert last(cluster, "rows_exchanged") == (WORKERS * 1000 + WORKERS + 1,)
    cluster.client.execute("SELECT g, count(*), sum(i), count(DISTINCT s) FROM t GROUP BY g").fetchall()
    # A row of the other aggregates for each group and task, twice 7 between the last stages and the driver
    assert last(cluster, "rows_exchanged")[0] < WORKERS * (7 * 97 + 4 * 7)


def test_several_parts_are_added(cluster: Cluster) -> None:
    """The driver puts the first row beside the first row, the second beside the second."""
    query = "FROM (SELECT sum(i) FROM t) POSITIONAL JOIN (SELECT g FROM t GROUP BY g ORDER BY g LIMIT 1)"
    mode, merge, workers, stages, tasks = run(cluster, query)
    assert (mode, merge, workers) == ("ROW_GROUP_PARTITION", "TOP_N_MERGE", 3)
    assert (stages, tasks) == (4, 10)


def test_statements_are_those_of_the_history(cluster: Cluster) -> None:
    cluster.client.execute("SELECT g, count(*) AS stats_test FROM t GROUP BY g").fetchall()
    stats = "SELECT query_id, sql, execution_start_time, query_duration_ms FROM duckherder_get_query_execution_stats('dh')"
    history = "SELECT query_id, query, start_time, epoch_us(duration) / 1000 FROM duckherder_server_query_history()"
    where = "WHERE {} LIKE '%stats_test%'"
    expected = cluster.client.execute(f"{history} {where.format('query')}").fetchall()
    assert len(expected) == 1
    assert cluster.client.execute(f"{stats} {where.format('sql')}").fetchall() == expected


def test_changes_count(cluster: Cluster) -> None:
    mode, merge, *_ = run(cluster, "CREATE OR REPLACE TABLE dh.sums AS SELECT g, sum(i) AS n FROM dh.t GROUP BY g")
    assert (mode, merge) == ("ROW_GROUP_PARTITION", "GROUP_BY_MERGE")


def test_prepared_statements_count_each_time(cluster: Cluster) -> None:
    cluster.client.execute("PREPARE p AS SELECT count(*) FROM t WHERE k < $1")
    for limit in (10, 20):
        assert cluster.client.execute(f"EXECUTE p({limit})").fetchone() == (limit * ROWS // 1000,)
        assert last(cluster, "num_tasks_generated, rows_exchanged") == (4, WORKERS + 1)


def test_a_reader_that_has_enough(cluster: Cluster) -> None:
    begun = time.monotonic()
    cluster.client.execute("SELECT a.i FROM t a JOIN t b USING (g)").fetchmany(10)
    cluster.client.execute("SELECT 1 FROM one LIMIT 1").fetchall()
    stats = "SELECT status, execution_mode FROM duckherder_get_query_execution_stats() WHERE sql LIKE '%JOIN%' ORDER BY query_id DESC LIMIT 1"
    assert cluster.client.execute(stats).fetchone() == ("cancelled", "ROW_GROUP_PARTITION")
    assert time.monotonic() - begun < 10


def plan_of(cluster: Cluster, statement: str) -> dict[str, str | list[str]]:
    """What the exchange says of itself."""
    text = cluster.client.execute(statement).fetchall()[0][1]
    found = []

    def search(node: object) -> None:
        if isinstance(node, dict):
            info = node.get("extra_info")
            if isinstance(info, dict) and "Stage 1" in info:
                found.append(info)
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                search(child)

    search(json.loads(text))
    assert len(found) == 1, text
    return found[0]


QUERY = "SELECT g, sum(i) FROM t GROUP BY g"


def test_explain_names_stages(cluster: Cluster) -> None:
    info = plan_of(cluster, f"EXPLAIN (FORMAT json) {QUERY}")
    assert info["Mode"] == "ROW_GROUP_PARTITION"
    assert info["Merge"] == "GROUP_BY_MERGE"
    assert info["Tasks"] == "6"
    assert info["Stage 1"] == "3 tasks"
    assert info["Stage 2"] == "3 tasks, shuffle of stage 1"
    assert "FROM stage_1" in " ".join(info["Stage 2 SQL"])
    assert max(map(len, info["Stage 2 SQL"])) <= 100
    assert any(name.startswith("Stage 1 ") and "read_parquet" in " ".join(value) for name, value in info.items())


@pytest.mark.parametrize("layout", ["text", "yaml", "html", "graphviz"])
def test_explain_in_all_formats(cluster: Cluster, layout: str) -> None:
    lines = cluster.client.execute(f"EXPLAIN (FORMAT {layout}) {QUERY}").fetchall()[0][1].splitlines()
    assert any("shuffle of stage 1" in line for line in lines)
    if layout == "text":
        assert max(map(len, lines)) < 130


def test_explain_analyze_tells_what_tasks_did(cluster: Cluster) -> None:
    info = plan_of(cluster, f"EXPLAIN (ANALYZE, FORMAT json) {QUERY}")
    size = r"\d+(\.\d)? (bytes|KiB|MiB)"
    times = r"\d+(\.\d)?(–\d+(\.\d)?)? ms, CPU \d+(\.\d)?(–\d+(\.\d)?)? ms"
    assert re.fullmatch(rf"3 tasks: 21 rows, {size} \(7 rows a task\), {times}", info["Stage 1"]), info
    shuffled = rf"3 tasks, shuffle of stage 1: 7 rows, {size} \(\d–\d rows a task\) from 21 rows, {size}, {times}"
    assert re.fullmatch(shuffled, info["Stage 2"]), info


def test_explain_analyze_of_a_part(cluster: Cluster) -> None:
    """The rest is the client's, which has the rows and no plan of the server."""
    cluster.client.execute("USE memory; CREATE OR REPLACE TEMP TABLE names AS SELECT range AS g FROM range(3)")
    query = "SELECT n.g, x.n FROM names n JOIN (SELECT g, sum(i) AS n FROM dh.t GROUP BY g) x USING (g)"
    assert len(cluster.client.execute(query).fetchall()) == 3
    cluster.client.execute(f"EXPLAIN ANALYZE {query}").fetchall()
