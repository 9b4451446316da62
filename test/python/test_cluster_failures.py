"""Workers that fail in the middle of queries: no wrong answer, no hang, and nothing is left behind."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from breaking_proxy import Proxy
from cluster_checks import LIMIT_S, LONG, RIGHT, check_that_all_is_given_back, expected_rows, outcome
from clusters import WORKERS, Cluster
from waiting import until

#: When a worker fails, after a query has begun: while it is planned, and in its stages.
DELAYS_S = (0.05, 0.4, 0.8)
#: A query on a cluster that nothing is wrong with.
FINE_S = 15


class FailingWorker:
    """The worker `w1`, whose calls go through a proxy, and what can happen to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        cluster.workers["w1"].kill()
        cluster.wait_for(WORKERS - 1)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.proxy = Proxy(self.port)
        self.start()

    def start(self) -> None:
        self.launch()
        self.cluster.wait_for(WORKERS)

    def launch(self) -> None:
        self.cluster.launch("w1", "--advertise", f"127.0.0.1:{self.proxy.port}", listen=f"127.0.0.1:{self.port}")

    @property
    def pid(self) -> int:
        return self.cluster.workers["w1"].pid

    def kill(self) -> None:
        self.cluster.workers["w1"].kill()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        self.kill()
        self.launch()

    def leave(self) -> None:
        """As it does when somebody stops it properly."""
        os.kill(self.pid, signal.SIGTERM)

    def come_back(self) -> None:
        self.cluster.workers["w1"].process.wait(LIMIT_S)
        self.start()


#: What happens to the worker, and how it is well again.
FATES: dict[str, tuple[Callable[[FailingWorker], None], Callable[[FailingWorker], None]]] = {
    "killed": (FailingWorker.kill, FailingWorker.start),
    "stopped": (FailingWorker.freeze, FailingWorker.thaw),
    "cut off": (lambda worker: worker.proxy.cut_off(), lambda worker: worker.proxy.mend()),
    "its connections break": (lambda worker: worker.proxy.break_all(), lambda worker: None),
    "restarted with the same name": (FailingWorker.restart, lambda worker: None),
    "told to stop": (FailingWorker.leave, FailingWorker.come_back),
}


@pytest.fixture
def worker(cluster: Cluster) -> Iterator[FailingWorker]:
    result = FailingWorker(cluster)
    yield result
    result.proxy.stop()


@pytest.mark.parametrize("fate", FATES)
def test_a_worker_fails_on_the_way(cluster: Cluster, worker: FailingWorker, fate: str) -> None:
    expected = expected_rows(cluster, LONG)
    strike, heal = FATES[fate]
    cluster.client.execute("USE dh")
    assert outcome(cluster.client, LONG, expected, FINE_S) == RIGHT
    outcomes = []
    for delay_s in DELAYS_S:
        timer = threading.Timer(delay_s, strike, (worker,))
        timer.start()
        outcomes.append(outcome(cluster.client, LONG, expected))
        timer.join()
        outcomes.append(outcome(cluster.client, LONG, expected))
        heal(worker)
        cluster.wait_for(WORKERS)
        assert outcome(cluster.client, LONG, expected, FINE_S) == RIGHT
    errors = [text for text in outcomes if text != RIGHT]
    print(f"{fate}: {len(errors)} of {len(outcomes)} queries failed")
    assert all(text.startswith("IOException: IO Error: ") and "127.0.0.1:" in text for text in errors), errors
    check_that_all_is_given_back(cluster)


def test_connections_die_while_nothing_runs(cluster: Cluster, worker: FailingWorker) -> None:
    """As in a router that was restarted: the worker can be reached, and the next query gets there by other connections."""
    expected = expected_rows(cluster, LONG)
    cluster.client.execute("USE dh")
    assert outcome(cluster.client, LONG, expected, FINE_S) == RIGHT
    worker.proxy.freeze()
    # The driver makes a new connection for its heartbeats
    heard = "SELECT min(epoch(last_heartbeat)) > {} FROM duckherder_workers()"
    until(lambda at=time.time(): cluster.client.execute(heard.format(at)).fetchone() == (True,), "all workers are heard of again")
    assert outcome(cluster.client, LONG, expected) == RIGHT
    check_that_all_is_given_back(cluster)


def test_a_worker_that_is_cut_off_ends_its_tasks(cluster: Cluster, worker: FailingWorker) -> None:
    """Also if it never hears of its driver again."""
    expected = expected_rows(cluster, LONG)
    cluster.client.execute("USE dh")
    timer = threading.Timer(0.4, worker.proxy.cut_off)
    timer.start()
    outcome(cluster.client, LONG, expected)
    timer.join()
    until(lambda: threads_named(worker.pid, "fragment") == 0, "its tasks end")
    worker.proxy.mend()
    cluster.wait_for(WORKERS)
    check_that_all_is_given_back(cluster)
    assert outcome(cluster.client, LONG, expected, FINE_S) == RIGHT


def threads_named(pid: int, name: str) -> int:
    """How many threads of a process have a name."""
    return sum(path.read_text().strip() == name for path in Path(f"/proc/{pid}/task").glob("*/comm"))


def test_a_slow_worker_is_waited_for(cluster: Cluster) -> None:
    """One that stops now and then, but for less time than a silent one may take."""
    expected = expected_rows(cluster, LONG)
    cluster.client.execute("USE dh")
    pid = cluster.workers["w1"].pid
    is_over = threading.Event()

    def slow_down() -> None:
        while not is_over.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.9)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.1)

    slowing = threading.Thread(target=slow_down)
    slowing.start()
    try:
        for _ in range(2):
            assert outcome(cluster.client, LONG, expected, 2 * LIMIT_S) == RIGHT
    finally:
        is_over.set()
        slowing.join()
    check_that_all_is_given_back(cluster)


def test_the_driver_is_killed(cluster: Cluster) -> None:
    """Its workers end their tasks, and work for the next one."""
    expected = expected_rows(cluster, LONG)
    cluster.client.execute("USE dh")
    timer = threading.Timer(0.4, cluster.driver.kill)
    timer.start()
    assert outcome(cluster.client, LONG, expected).startswith("IOException")
    timer.join()
    for worker in cluster.workers.values():
        until(lambda pid=worker.pid: threads_named(pid, "fragment") == 0, "its tasks end")


def test_all_workers_are_lost(cluster: Cluster) -> None:
    expected = expected_rows(cluster, LONG)
    cluster.client.execute("USE dh")

    def kill_all() -> None:
        for worker in cluster.workers.values():
            worker.kill()

    timer = threading.Timer(0.4, kill_all)
    timer.start()
    error = outcome(cluster.client, LONG, expected)
    timer.join()
    assert error.startswith("IOException: IO Error: "), error
    # Alone, the driver can do it too
    until(lambda: outcome(cluster.client, LONG, expected) == RIGHT, "the driver works alone")
    for name in list(cluster.workers):
        cluster.launch(name)
    cluster.wait_for(WORKERS)
    assert outcome(cluster.client, LONG, expected, FINE_S) == RIGHT
