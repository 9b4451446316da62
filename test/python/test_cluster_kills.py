"""Workers are killed, stopped and restarted at random under load: every answer is right, or an error that says what failed.

`DUCKHERDER_KILL_ROUNDS=50` runs more rounds, `DUCKHERDER_KILL_SEED` repeats one order of them.
"""

import os
import random
import signal
import threading
import time
from collections import Counter

import pytest
from cluster_checks import RIGHT, check_that_all_is_given_back, expected_rows, outcome
from clusters import WORKERS, Cluster
from conftest import Duckling

ROUNDS = int(os.environ.get("DUCKHERDER_KILL_ROUNDS", "4"))
CLIENTS = 3
#: How long a round lasts.
ROUND_S = (0.5, 2.0)
#: The longest time for an answer: workers that are silent are noticed within 5 seconds, and a query begins at most twice anew.
LIMIT_S = 60
QUERIES = (
    "SELECT g, count(*), sum(i), max(s) FROM t GROUP BY g",
    "SELECT a.s, count(*), sum(b.i) FROM t a JOIN parts b ON a.i = b.i JOIN t c ON b.i = c.i GROUP BY a.s",
    "SELECT tens, count(*), sum(i) FROM t JOIN keys USING (k) GROUP BY tens",
    "SELECT i, s FROM t ORDER BY s, i DESC LIMIT 20 OFFSET 7",
    "SELECT k FROM t EXCEPT SELECT k FROM keys WHERE tens < 5",
    "SELECT g, i, row_number() OVER (PARTITION BY g ORDER BY i DESC) AS r FROM t QUALIFY r < 5",
    "SELECT i, s FROM t WHERE i % 3 = 0",
)


class Client(threading.Thread):
    """Runs one query after the other."""

    def __init__(self, cluster: Cluster, answers: dict[str, list[tuple]], seed: int) -> None:
        super().__init__(daemon=True)
        self.connection = cluster.client.cursor()
        self.connection.execute("SET duckherder_distribution = 'force'")
        self.answers = answers
        self.chance = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.errors: set[str] = set()
        self.slowest_s = 0.0
        self.failure: BaseException | None = None
        self.is_over = threading.Event()

    def run(self) -> None:
        try:
            self.connection.execute("USE dh")
            while not self.is_over.is_set():
                self.ask(self.chance.choice(QUERIES))
        except BaseException as error:  # noqa: BLE001: a thread's failure is the test's
            self.failure = error

    def ask(self, query: str) -> None:
        begun = time.monotonic()
        result = outcome(self.connection, query, self.answers[query], LIMIT_S)
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        if result == RIGHT:
            self.counts["right"] += 1
            return
        assert result.startswith("IOException: IO Error: "), result
        assert "127.0.0.1:" in result or "All workers of the cluster are lost" in result, result
        self.counts["errors"] += 1
        self.errors.add(result)


class Havoc:
    """What happens to one of the workers after the other."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self.cluster = cluster
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self.stopped: set[str] = set()

    def strike(self) -> None:
        name = self.chance.choice(list(self.cluster.workers))
        worker = self.cluster.workers[name]
        if name in self.stopped:
            os.kill(worker.pid, signal.SIGCONT)
            self.stopped.discard(name)
            self.counts["went on"] += 1
        elif worker.process.poll() is not None:
            self.cluster.launch(name)
            self.counts["started"] += 1
        else:
            fate = self.chance.choice((self.kill, self.kill, self.stop, self.restart, self.leave))
            fate(name, worker)

    def kill(self, name: str, worker: Duckling) -> None:
        worker.kill()
        self.counts["killed"] += 1

    def stop(self, name: str, worker: Duckling) -> None:
        os.kill(worker.pid, signal.SIGSTOP)
        self.stopped.add(name)
        self.counts["stopped"] += 1

    def restart(self, name: str, worker: Duckling) -> None:
        worker.kill()
        self.cluster.launch(name)
        self.counts["restarted"] += 1

    def leave(self, name: str, worker: Duckling) -> None:
        os.kill(worker.pid, signal.SIGTERM)
        worker.process.wait(LIMIT_S)
        self.counts["left"] += 1

    def heal(self) -> None:
        for name, worker in list(self.cluster.workers.items()):
            if name in self.stopped:
                os.kill(worker.pid, signal.SIGCONT)
            elif worker.process.poll() is not None:
                self.cluster.launch(name)
        self.stopped.clear()
        self.cluster.wait_for(WORKERS)


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_workers_are_killed_at_random(cluster: Cluster) -> None:
    seed = int(os.environ.get("DUCKHERDER_KILL_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    answers = {query: expected_rows(cluster, query) for query in QUERIES}
    clients = [Client(cluster, answers, seed + number) for number in range(CLIENTS)]
    havoc = Havoc(cluster, chance)
    for client in clients:
        client.start()
    try:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(*ROUND_S))
            havoc.strike()
    finally:
        havoc.heal()
        for client in clients:
            client.is_over.set()
            client.join(2 * LIMIT_S)
    counts = sum((client.counts for client in clients), Counter())
    slowest_s = max(client.slowest_s for client in clients)
    print(f"{ROUNDS} rounds: {dict(havoc.counts)}; answers: {dict(counts)}, the slowest after {slowest_s:.1f} s")
    for error in sorted({error for client in clients for error in client.errors})[:10]:
        print(f"  {error[:300]}")
    for client in clients:
        assert not client.is_alive(), "a client hangs"
        assert client.failure is None, client.failure
    assert counts["right"] > 0
    cluster.client.execute("USE dh")
    for query, expected in answers.items():
        assert outcome(cluster.client, query, expected) == RIGHT
    check_that_all_is_given_back(cluster)
