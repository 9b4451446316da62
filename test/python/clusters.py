"""A driver with workers, as tests of distributed queries use them."""

from pathlib import Path

import duckdb
from answers import answer_of
from conftest import Duckling, extension_path
from waiting import until

WORKERS = 3


class Cluster:
    """A driver, its workers, and a client; `memory` sees the same files as `dh`."""

    def __init__(self, *arguments: str) -> None:
        """`arguments`: more of the driver's."""
        self.driver = Duckling("--listen", "127.0.0.1:0", "--worker-timeout", "2s", "--log-level", "error", *arguments)
        self.workers = {}
        self.client = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        self.client.load_extension(str(extension_path()))
        self.client.execute(f"ATTACH 'dh' (TYPE duckherder, server_port {self.driver.port})")
        self.client.execute("SET duckherder_distribution = 'force'")

    def start(self, name: str, *arguments: str, listen: str = "127.0.0.1:0") -> None:
        """Start a worker, also in the place of one of this name that has ended, and wait until all answer."""
        self.launch(name, *arguments, listen=listen)
        self.wait_for(len(self.workers))

    def launch(self, name: str, *arguments: str, listen: str = "127.0.0.1:0") -> None:
        """Start a worker, and do not wait until it has joined."""
        driver = f"127.0.0.1:{self.driver.port}"
        command = ("--listen", listen, "--join", driver, "--worker-id", name, "--threads", "1", *arguments)
        self.workers[name] = Duckling(*command, "--worker-timeout", "2s", "--log-level", "error")

    def wait_for(self, count: int) -> None:
        counted = "SELECT duckherder_get_worker_count()"
        until(lambda: self.client.execute(counted).fetchone() == (count,), f"{count} workers answer")

    def view(self, name: str, source: str) -> None:
        self.client.execute(f"CREATE VIEW memory.{name} AS FROM {source}")
        self.client.execute(f"CREATE VIEW dh.{name} AS FROM {source}")

    def table(self, name: str, source: str) -> None:
        self.client.execute(f"CREATE TABLE memory.{name} AS {source}")
        self.client.execute(f"CREATE TABLE dh.{name} AS {source}")

    def compare(self, query: str, may_fail: bool = False) -> str:
        """Nothing, or what is different."""
        self.client.execute("USE memory")
        here = answer_of(self.client, query, [])
        assert may_fail or not here.error, here
        self.client.execute("USE dh")
        there = answer_of(self.client, query, [])
        self.client.execute("USE memory")
        return "" if there.same_as(here, ordered=False, rounded=True) else f"{there}\nhere: {here}"

    def plan(self, query: str) -> str:
        self.client.execute("USE dh")
        plan = "\n".join(row[1] for row in self.client.execute(f"EXPLAIN {query}").fetchall())
        self.client.execute("USE memory")
        return plan

    def end(self) -> None:
        self.client.close()
        for server in (*self.workers.values(), self.driver):
            server.kill()


def cluster_with_files(folder: Path) -> Cluster:
    """Files of 200,000 rows: `t` is one of many row groups, `parts` a folder of files by Hive's convention."""
    result = Cluster()
    for number in range(WORKERS):
        result.start(f"w{number}")
    rows = "SELECT i, i % 7 AS g, i % 1000 AS k, 'text ' || i % 97 AS s, i * 1.5 AS d, [i, NULL] AS l FROM range(200000) r(i)"
    result.client.execute(f"COPY ({rows}) TO '{folder}/t.parquet' (ROW_GROUP_SIZE 10000)")
    result.client.execute(f"COPY ({rows}) TO '{folder}/parts' (FORMAT parquet, PARTITION_BY (g))")
    result.client.execute(f"COPY (SELECT k, k % 10 AS tens FROM range(1000) r(k)) TO '{folder}/keys.csv'")
    result.view("t", f"read_parquet('{folder}/t.parquet')")
    result.view("parts", f"read_parquet('{folder}/parts/*/*.parquet')")
    result.view("keys", f"read_csv('{folder}/keys.csv')")
    return result
