"""What has to hold of a cluster while workers fail, and after."""

import os
import threading
import time
from pathlib import Path

import duckdb
from clusters import Cluster
from conftest import Duckling
from waiting import until

RIGHT = "right"
#: A worker that is silent is noticed within 5 seconds, and the query may begin anew twice.
LIMIT_S = 30
#: Runs for a second or two, in three stages, each of which reads rows of the one before from all workers.
LONG = """
    SELECT g, count(*), sum(n), max(s) FROM (
        SELECT a.g, a.s, b.i % 100 AS h, sum(a.i + b.i) AS n FROM t a JOIN parts b ON a.k = b.k AND a.g <> b.g
        WHERE a.i % 3 = 0 GROUP BY ALL
    ) GROUP BY g"""


def expected_rows(cluster: Cluster, query: str) -> list[tuple]:
    """The answer of one DuckDB."""
    cluster.client.execute("USE memory")
    return sorted(cluster.client.execute(query).fetchall())


def outcome(connection: duckdb.DuckDBPyConnection, query: str, expected: list[tuple], limit_s: float = LIMIT_S) -> str:
    """`RIGHT`, or what the error says. Fails if the answer is wrong, or late."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(limit_s, give_up)
    timer.start()
    begun = time.monotonic()
    try:
        rows = sorted(connection.execute(query).fetchall())
        result = RIGHT
    except duckdb.Error as error:
        rows = expected
        result = f"{type(error).__name__}: {error}"
    finally:
        timer.cancel()
    assert not late.is_set(), f"no answer within {limit_s} s, but after {time.monotonic() - begun:.1f} s: {result}"
    assert rows == expected, f"a wrong answer: {rows[:10]} instead of {expected[:10]}"
    return result


def check_that_all_is_given_back(cluster: Cluster, *folders: Path) -> None:
    """No task runs on a worker that answers, and what did not fit into memory has left its folder: DuckDB's files are empty."""
    running = "SELECT coalesce(sum(tasks_running), 0)::INTEGER FROM duckherder_workers() WHERE state = 'active'"
    until(lambda: cluster.client.execute(running).fetchone() == (0,), "the tasks end")
    servers = [cluster.driver, *cluster.workers.values()]
    for folder in folders:
        until(lambda folder=folder: bytes_in(folder, servers) == 0, f"nothing is left in {folder}")


def bytes_in(folder: Path, servers: list[Duckling]) -> int:
    """Bytes of the files in a folder, also of those without a name that a server has open."""
    total = 0
    for path in [*folder.rglob("*"), *(path for server in servers for path in Path(f"/proc/{server.pid}/fd").glob("*"))]:
        try:
            if path.is_file() and os.path.realpath(path).startswith(f"{folder}/"):
                total += path.stat().st_size
        except OSError:
            # It was removed or closed meanwhile, or its process has ended
            continue
    return total


def resident_mb(server: Duckling) -> int:
    """Memory of a server's process."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    raise ProcessLookupError(server.pid)
