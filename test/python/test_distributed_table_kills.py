"""A driver or a worker is killed while clients change, compact and vacuum a table: every commit is whole, or not there.

`DUCKHERDER_TABLE_KILL_ROUNDS=100` runs more rounds, `DUCKHERDER_TABLE_KILL_SEED` repeats the choices of one run.
"""

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from storages import Storage
from table_caretakers import VACUUM, Compactor, Vacuum
from table_writers import Writer, create_tables, states
from waiting import until

ROUNDS = int(os.environ.get("DUCKHERDER_TABLE_KILL_ROUNDS", "3"))
SEED = int(os.environ.get("DUCKHERDER_TABLE_KILL_SEED", random.randrange(1 << 30)))
WRITERS = 4
WORKERS = ("w0", "w1")
#: When something is killed, after the first commit of a round, and how long clients go on after a worker was
LIFETIME_S = (0.1, 1.5)
LIMIT_S = 120


class Kills:
    """A driver, its workers, the writers, and who looks after their table; `round` kills one of the servers."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.chance = random.Random(SEED)
        self.writers = [Writer(number, SEED) for number in range(WRITERS)]
        self.caretakers = [Compactor(SEED), Vacuum(SEED)]
        self.clients = [*self.writers, *self.caretakers]
        self.victims: Counter[str] = Counter()
        storage.arguments += ("--log-level", "error", "--worker-timeout", "2s")
        storage.server.kill()
        self.begin(0)
        for name in WORKERS:
            self.work(name)
        with storage.client() as client:
            storage.wait_for_workers(client)
            create_tables(client, WRITERS)

    def begin(self, port: int) -> None:
        self.storage.begin(listen=f"127.0.0.1:{port}")
        # Checkpoints with nearly every commit, so that one of them is under way
        threshold = self.chance.choice(("1KB", "1KB", "16MB"))
        with self.storage.client() as client:
            client.execute(f"CALL duckherder_query('dh', 'SET GLOBAL checkpoint_threshold = ''{threshold}''')")

    def work(self, name: str) -> None:
        self.storage.work(name, "--log-level", "error", "--worker-timeout", "2s")

    def round(self, number: int) -> None:
        committed = threading.Event()
        for writer in self.writers:
            writer.start(self.connect(), committed)
        for caretaker in self.caretakers:
            caretaker.start(self.connect())
        assert committed.wait(LIMIT_S), [client.failure for client in self.clients]
        victim = "driver" if number == 0 else self.chance.choice(("driver", "driver", *WORKERS))
        self.victims["driver" if victim == "driver" else "worker"] += 1
        time.sleep(self.chance.uniform(*LIFETIME_S))
        if victim == "driver":
            self.kill_driver()
        else:
            self.kill_worker(victim)
        self.check()

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = self.storage.client()
        connection.execute("SET threads = 1")
        connection.execute(f"SET duckherder_distribution = '{self.chance.choice(('force', 'auto'))}'")
        return connection

    def kill_driver(self) -> None:
        for client in self.clients:
            client.driver_goes.set()
        if self.chance.random() < 0.5:
            self.wait_for_a_commit()
        self.storage.server.kill()
        self.join()
        self.begin(self.storage.server.port)

    def wait_for_a_commit(self) -> None:
        """Until one is under way, which takes some milliseconds."""
        deadline = time.monotonic() + LIFETIME_S[1]
        while time.monotonic() < deadline and not any(writer.is_committing for writer in self.writers):
            time.sleep(0.0002)
        time.sleep(self.chance.uniform(0, 0.004))

    def kill_worker(self, name: str) -> None:
        self.storage.workers[name].kill()
        time.sleep(self.chance.uniform(*LIFETIME_S))
        self.join()
        self.work(name)

    def join(self) -> None:
        for client in self.clients:
            client.is_over.set()
        for client in self.clients:
            client.thread.join(LIMIT_S)
            assert client.failure is None, client.failure
            assert not client.thread.is_alive(), "a client hangs"
            client.connection.close()

    def check(self) -> None:
        with self.storage.client() as client:
            self.compare(client)

    def compare(self, client: duckdb.DuckDBPyConnection) -> None:
        found = states(client, WRITERS)
        for writer, there in zip(self.writers, found, strict=True):
            writer.settle(there)
        self.storage.wait_for_workers(client)
        client.execute("SET duckherder_distribution = 'force'")
        assert states(client, WRITERS) == found, "workers read something else"
        self.storage.check_list(client)
        self.check_files(client)
        assert states(client, WRITERS) == found, "vacuum has removed something that is listed"

    def check_files(self, client: duckdb.DuckDBPyConnection) -> None:
        """All files of the table are whole, and what nobody lists goes as soon as no transaction of this round is left."""
        listed = {Path(path) for (path,) in client.execute("SELECT path FROM duckherder_table_files('dh.t')").fetchall()}
        checked = "SELECT count(*), count(*) FILTER (NOT is_whole) FROM duckherder_check('dh.t')"
        assert client.execute(checked).fetchone() == (len(listed), 0)

        def is_tidy() -> bool:
            client.execute(VACUUM).fetchall()
            return self.storage.files() == listed

        until(is_tidy, "the files on the storage are those that are listed")


@pytest.mark.timeout(180 + 30 * ROUNDS)
def test_servers_are_killed_while_a_table_changes(storage: Storage) -> None:
    print(f"seed {SEED}")
    kills = Kills(storage)
    for number in range(ROUNDS):
        kills.round(number)
    counts = sum((writer.counts for writer in kills.writers), Counter())
    rows = sum(len(writer.state.rows) for writer in kills.writers)
    print(f"{ROUNDS} rounds, killed: {dict(kills.victims)}; {dict(counts)}; {rows} rows, {len(storage.files())} files")
    for caretaker in kills.caretakers:
        print(f"{type(caretaker).__name__}: {dict(caretaker.counts)}")
    for error in sorted({error for client in kills.clients for error in client.errors})[:10]:
        print(f"  {error[:300]}")
    assert all(writer.counts["commits"] > 0 for writer in kills.writers)
    # Writers may be faster than every compaction
    assert all(caretaker.counts["done"] + caretaker.counts["conflicts"] > 0 for caretaker in kills.caretakers)
