"""Drivers and workers as processes: killed, stopped, cut short, restarted, and refused."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator

import duckdb
import pyarrow.flight as flight
import pytest
from conftest import RELEASE, Duckling
from waiting import LIMIT_S, until

#: After which silence a worker is lost; the tests wait for what happens, not for this.
TIMEOUT = ("--worker-timeout", "2s", "--log-level", "warn")


class Cluster:
    """A driver, and a client that sees its workers."""

    def __init__(self, start: Callable[..., Duckling], connect: Callable[..., duckdb.DuckDBPyConnection]) -> None:
        self.start = start
        self.connect = connect
        self.driver = self.start_driver(0)

    def start_driver(self, port: int) -> Duckling:
        driver = self.start("--listen", f"127.0.0.1:{port}", *TIMEOUT)
        self.client = self.connect()
        self.client.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {driver.port})")
        return driver

    def worker(self, name: str, *arguments: str, listen: str = "127.0.0.1:0") -> Duckling:
        """Start a worker and wait until the driver has it."""
        driver = f"127.0.0.1:{self.driver.port}"
        worker = self.start("--listen", listen, "--join", driver, "--worker-id", name, *TIMEOUT, *arguments)
        address = f"127.0.0.1:{worker.port}"
        until(lambda: (name, address, "active") in self.workers(), f"{name} joins")
        return worker

    def workers(self) -> list[tuple[str, str, str]]:
        return self.client.execute("SELECT id, address, state FROM duckherder_workers() ORDER BY id").fetchall()

    def states(self) -> dict[str, str]:
        return {name: state for name, _, state in self.workers()}

    def count(self) -> int:
        return self.client.execute("SELECT duckherder_get_worker_count()").fetchone()[0]


@pytest.fixture
def cluster(
    start_server: Callable[..., Duckling], connect: Callable[..., duckdb.DuckDBPyConnection]
) -> Iterator[Cluster]:
    return Cluster(start_server, connect)


def test_workers_come_and_go(cluster: Cluster) -> None:
    assert (cluster.workers(), cluster.count()) == ([], 0)
    one = cluster.worker("w1", "--threads", "1")
    cluster.worker("w2", "--threads", "2")
    assert cluster.states() == {"w1": "active", "w2": "active"}
    threads = cluster.client.execute("SELECT id, threads FROM duckherder_workers() ORDER BY id").fetchall()
    assert threads == [("w1", 1), ("w2", 2)]
    assert one.stop() == 0
    assert cluster.states() == {"w2": "active"}, "it has left before it ended"
    assert cluster.driver.stop() == 0


def test_a_killed_worker_is_lost_until_it_is_restarted(cluster: Cluster) -> None:
    worker = cluster.worker("w1")
    cluster.worker("w2")
    worker.kill()
    until(lambda: cluster.states() == {"w1": "lost", "w2": "active"}, "the driver notices")
    assert cluster.count() == 1
    cluster.worker("w1", listen=f"127.0.0.1:{worker.port}")
    assert cluster.states() == {"w1": "active", "w2": "active"}


def test_a_killed_worker_is_replaced_before_it_is_lost(cluster: Cluster) -> None:
    cluster.worker("w1").kill()
    cluster.worker("w1")
    assert cluster.states() == {"w1": "active"}


def test_a_registered_worker_is_found_again_where_it_was(cluster: Cluster) -> None:
    worker = cluster.start("--listen", "127.0.0.1:0", *TIMEOUT)
    cluster.client.execute(f"SELECT duckherder_register_worker('w1', 'grpc://127.0.0.1:{worker.port}')")
    worker.kill()
    until(lambda: cluster.states() == {"w1": "lost"}, "the driver notices")
    cluster.start("--listen", f"127.0.0.1:{worker.port}", *TIMEOUT)
    until(lambda: cluster.states() == {"w1": "active"}, "the driver finds it")


def test_a_frozen_worker_is_lost_until_it_goes_on(cluster: Cluster) -> None:
    worker = cluster.worker("w1")
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        until(lambda: cluster.states() == {"w1": "lost"}, "the driver notices")
        heard = cluster.client.execute("SELECT epoch(now()) - epoch(last_heartbeat) FROM duckherder_workers()").fetchone()[0]
        assert heard >= 2
        assert cluster.count() == 0
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    until(lambda: cluster.states() == {"w1": "active"}, "the driver takes it back")
    assert worker.stop() == 0


def test_workers_of_a_killed_driver_join_the_next(cluster: Cluster) -> None:
    workers = [cluster.worker(f"w{number}") for number in range(3)]
    cluster.driver.kill()
    cluster.driver = cluster.start_driver(cluster.driver.port)
    until(lambda: cluster.count() == len(workers), "all offer themselves again")
    assert all(worker.process.poll() is None for worker in workers)


def test_a_frozen_driver_gets_its_workers_back(cluster: Cluster) -> None:
    worker = cluster.worker("w1")
    other = cluster.start("--listen", "127.0.0.1:0", *TIMEOUT)
    client = cluster.connect()
    client.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {other.port})")

    def can_have() -> bool:
        try:
            client.execute(f"SELECT duckherder_register_worker('mine', 'grpc://127.0.0.1:{worker.port}')")
        except duckdb.InvalidInputException as error:
            assert 'is the worker "w1" of the driver at' in str(error)
            return False
        return True

    assert not can_have(), "its driver calls"
    os.kill(cluster.driver.pid, signal.SIGSTOP)
    try:
        until(can_have, "a driver that does not call has no workers")
    finally:
        os.kill(cluster.driver.pid, signal.SIGCONT)

    def owners() -> int:
        return cluster.count() + client.execute("SELECT duckherder_get_worker_count()").fetchone()[0]

    # The other one, unless an offer of the worker's still lay in the inbox of the first
    until(lambda: owners() == 1, "it belongs to one of them")
    # It was started for the first one
    assert other.stop() == 0
    until(lambda: cluster.states() == {"w1": "active"}, "it comes back")


def test_a_worker_waits_for_its_driver(cluster: Cluster) -> None:
    port = cluster.driver.port
    cluster.driver.kill()
    command = [RELEASE / "duckling-server", "--listen", "127.0.0.1:0", "--join", f"127.0.0.1:{port}"]
    worker = subprocess.Popen([*command, *TIMEOUT], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        lines: list[str] = []

        def read() -> None:
            for line in worker.stderr:
                lines.append(line)

        threading.Thread(target=read, daemon=True).start()
        warning = "cannot join the driver yet: trying again"
        until(lambda: any(warning in line for line in lines), "it says that it waits")
        cluster.driver = cluster.start_driver(port)
        until(lambda: cluster.count() == 1, "it joins")
        assert sum(warning in line for line in lines) == 1, lines
    finally:
        worker.terminate()
        assert worker.wait(LIMIT_S) == 0
    assert cluster.workers() == []


def test_what_the_driver_refuses_ends_with_one_line(cluster: Cluster) -> None:
    def refusal(*arguments: str) -> str:
        command = [RELEASE / "duckling-server", "--listen", "127.0.0.1:0", "--log-level", "error", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        assert ended.returncode == 1, ended.stderr
        (line,) = ended.stderr.splitlines()
        return line

    worker = cluster.worker("w1")
    driver = f"127.0.0.1:{cluster.driver.port}"
    assert refusal("--join", driver, "--worker-id", "w1") == (
        f'error: The server at {driver} refuses: There is a worker "w1" already, at 127.0.0.1:{worker.port}: choose '
        "another id, or unregister that one first"
    )
    assert cluster.workers() == [("w1", f"127.0.0.1:{worker.port}", "active")]
    assert refusal("--join", "192.0.2.1:8815") == (
        "error: 192.0.2.1:8815 is another machine and there is no authentication: pass --insecure to join it"
    )


class OldDuckling(flight.FlightServerBase):
    """A worker of another version."""

    def do_action(self, context: flight.ServerCallContext, action: flight.Action) -> list[bytes]:
        def field(number: int, content: bytes) -> bytes:
            return bytes([number << 3 | 2, len(content)]) + content

        if action.type != "duckherder.Heartbeat":
            return [b""]
        return [field(1, b"an instance") + field(2, field(1, b"0.0.1") + field(2, b"v1.9.9"))]


def test_a_worker_of_another_version_is_refused(cluster: Cluster) -> None:
    with OldDuckling("grpc://127.0.0.1:0") as old:
        with pytest.raises(duckdb.InvalidInputException) as raised:
            cluster.client.execute(f"SELECT duckherder_register_worker('old', 'grpc://127.0.0.1:{old.port}')")
    assert f"The worker at 127.0.0.1:{old.port} is Duckling 0.0.1 with DuckDB v1.9.9, the driver Duckling " in str(
        raised.value
    )
    assert cluster.workers() == []


def test_what_is_no_duckling_is_refused(cluster: Cluster) -> None:
    with flight.FlightServerBase("grpc://127.0.0.1:0") as other:
        with pytest.raises(duckdb.Error, match=f"127.0.0.1:{other.port}"):
            cluster.client.execute(f"SELECT duckherder_register_worker('other', 'grpc://127.0.0.1:{other.port}')")
    assert cluster.workers() == []
