"""Workers without enough memory or disk: an error in time that names the worker, and room for the next query."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_flightsql.dbapi as flight_sql
import pytest
from cluster_checks import LIMIT_S, RIGHT, check_that_all_is_given_back, expected_rows, bytes_in, outcome, resident_mb
from clusters import Cluster

#: Groups of 200 MB in all, a third of them on each worker.
LARGE = "SELECT count(*), max(n) FROM (SELECT repeat(md5(i::VARCHAR), 32) AS x, count(*) AS n FROM t GROUP BY x)"
SMALL = "SELECT g, count(*), sum(i), max(s) FROM t GROUP BY g"
#: The other side of the join comes late, so that a hundred megabytes wait for it in each task.
WAITING = """
    SELECT count(*), max(a.x), max(b.n) FROM wide a
    JOIN (SELECT a.i, max(hash(a.s, b.s, a.i * b.i) % 1000) AS n FROM t a JOIN parts b ON a.k = b.k GROUP BY a.i) b ON a.i = b.i"""


@pytest.fixture
def cluster(cluster: Cluster, tmp_path: Path) -> Cluster:
    """Two workers, and `w2`, which a test starts anew."""
    cluster.workers.pop("w2").stop()
    wide = "SELECT i, repeat(md5(i::VARCHAR), 96) AS x FROM range(150000) r(i)"
    cluster.client.execute(f"COPY ({wide}) TO '{tmp_path}/wide.parquet' (ROW_GROUP_SIZE 10000, COMPRESSION zstd)")
    cluster.view("wide", f"read_parquet('{tmp_path}/wide.parquet')")
    return cluster


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 16 MB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"only root may mount a disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def set_on(worker_port: int, setting: str) -> None:
    """A setting of the worker's DuckDB, for all of its connections."""
    with flight_sql.connect(f"grpc://127.0.0.1:{worker_port}", autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET GLOBAL {setting}")
        cursor.fetchall()


def check_failures(cluster: Cluster, query: str, words: tuple[str, ...], *folders: Path) -> None:
    """A query fails with these words, which name the worker, each time, and others can be answered afterwards."""
    expected, small = expected_rows(cluster, query), expected_rows(cluster, SMALL)
    address = f"127.0.0.1:{cluster.workers['w2'].port}"
    cluster.client.execute("USE dh")
    for _ in range(3):
        error = outcome(cluster.client, query, expected)
        assert all(word in error for word in (address, *words)), error
        assert outcome(cluster.client, SMALL, small) == RIGHT
        check_that_all_is_given_back(cluster, *folders)


def test_memory_ends_and_nothing_may_be_spilled(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    cluster.start("w2", "--memory-limit", "40MB", "--temp-dir", str(folder))
    set_on(cluster.workers["w2"].port, "max_temp_directory_size = '0MB'")
    check_failures(cluster, LARGE, ("OutOfMemoryException",), folder)


def test_what_does_not_fit_into_memory_is_spilled(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    cluster.start("w2", "--memory-limit", "60MB", "--temp-dir", str(folder))
    expected = expected_rows(cluster, LARGE)
    cluster.client.execute("USE dh")
    assert outcome(cluster.client, LARGE, expected) == RIGHT
    check_that_all_is_given_back(cluster, folder)


def test_the_disk_is_full_of_what_duckdb_spills(cluster: Cluster, tiny_disk: Path) -> None:
    cluster.start("w2", "--memory-limit", "40MB", "--temp-dir", str(tiny_disk))
    check_failures(cluster, LARGE, (), tiny_disk)


def test_the_disk_is_full_of_what_has_arrived(cluster: Cluster, tiny_disk: Path) -> None:
    cluster.start("w2", "--temp-dir", str(tiny_disk))
    cluster.client.execute("SET duckherder_broadcast_limit = 0")
    check_failures(cluster, WAITING, ("IOException", "cannot spill", "No space left"), tiny_disk)


def test_what_arrives_early_is_spilled(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    cluster.start("w2", "--temp-dir", str(folder))
    cluster.client.execute("SET duckherder_broadcast_limit = 0")
    expected = expected_rows(cluster, WAITING)
    cluster.client.execute("USE dh")
    most = 0
    is_over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not is_over.wait(0.02):
            most = max(most, bytes_in(folder, [cluster.workers["w2"]]))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        assert outcome(cluster.client, WAITING, expected) == RIGHT
    finally:
        is_over.set()
        watching.join()
    assert most > 0, "nothing was spilled"
    check_that_all_is_given_back(cluster, folder)


def test_nothing_is_left_of_queries_that_fail(cluster: Cluster, tmp_path: Path) -> None:
    """Memory, files, connections and threads, after fifty that fail in different ways."""
    folder = tmp_path / "spill"
    cluster.start("w2", "--memory-limit", "40MB", "--temp-dir", str(folder))
    set_on(cluster.workers["w2"].port, "max_temp_directory_size = '0MB'")
    cluster.client.execute("USE dh")

    def interrupted(query: str) -> str:
        timer = threading.Timer(0.3, cluster.client.interrupt)
        timer.start()
        result = outcome(cluster.client, query, [])
        timer.join()
        return result

    def fail() -> list[str]:
        return [
            outcome(cluster.client, LARGE, []),
            outcome(cluster.client, "SELECT sum((s || i)::INTEGER) FROM t", []),
            outcome(cluster.client, "SELECT g, count(*) FROM t WHERE error('no ' || i) IS NULL GROUP BY g", []),
            interrupted("SELECT count(*) FROM t a JOIN t b ON a.g = b.g JOIN t c ON b.k = c.k WHERE a.d + b.d < c.d"),
            outcome(cluster.client, "SELECT g, sum(i::TINYINT) FROM parts GROUP BY g", []),
        ]

    for _ in range(3):
        fail()
    check_that_all_is_given_back(cluster, folder)
    before = {name: used_by(server.pid) for name, server in cluster.workers.items()}
    memory_mb = {name: resident_mb(server) for name, server in cluster.workers.items()}
    for _ in range(10):
        errors = fail()
        assert RIGHT not in errors
    check_that_all_is_given_back(cluster, folder)
    after = {name: used_by(server.pid) for name, server in cluster.workers.items()}
    print(f"threads and open files: {before}, then {after}; memory in MB: {memory_mb}, then ", end="")
    print({name: resident_mb(server) for name, server in cluster.workers.items()})
    for name, server in cluster.workers.items():
        assert all(b <= a + 5 for a, b in zip(before[name], after[name], strict=True)), (name, before, after)
        assert resident_mb(server) < memory_mb[name] + 100, name


def used_by(pid: int) -> tuple[int, int]:
    """Threads and open files of a process."""
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))
