"""A long mixed load on a stand-alone server: `make soak MINUTES=n`.

Prints a line every ten seconds. Ends with exit code 1 if a client met an error that it did not ask for, the server's memory
grew after the warm-up, or sessions were left over.
"""

import argparse
import contextlib
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
import pyarrow
from conftest import Duckling

ROWS = 20_000
#: Rows that all clients fight for
CONTENDED_ROWS = 50
REPORT_INTERVAL_S = 10
#: Share of the time after which memory is expected to grow no more
WARM_UP = 0.3
#: What the allocator may keep beside
MAX_GROWTH = 1.25
MAX_GROWTH_MIB = 64
ATTEMPTS = 200
LIMIT_S = 60
ENDLESS = "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c WHERE a.range + b.range <> c.range"


class Tally:
    """What the clients have done since the last report, and what went wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_s: list[float] = []
        self.total = 0
        self.kinds: Counter[str] = Counter()
        self.retries = 0
        self.errors: list[str] = []

    def add(self, kind: str, latency_s: float) -> None:
        with self._lock:
            self._latencies_s.append(latency_s)
            self.kinds[kind] += 1
            self.total += 1

    def retry(self) -> None:
        with self._lock:
            self.retries += 1

    def fail(self, kind: str, error: Exception) -> None:
        text = f"{kind}: {type(error).__name__}: {error}"
        print(text, file=sys.stderr, flush=True)
        with self._lock:
            self.errors.append(text)

    def take_latencies_s(self) -> list[float]:
        with self._lock:
            taken, self._latencies_s = self._latencies_s, []
        return taken


class Client(threading.Thread):
    """One client: operations by chance, over a connection that it renews now and then."""

    def __init__(self, port: int, number: int, until: float, tally: Tally) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.number = number
        self.until = until
        self.tally = tally
        self.chance = random.Random(number)
        self.sequence = 0
        self.connection: flight_sql.Connection | None = None
        self.operations: list[tuple[int, Callable[[], None]]] = [
            (40, self.point_read),
            (8, self.scan),
            (10, self.insert),
            (10, self.update),
            (4, self.ingest),
            (8, self.transaction),
            (4, self.temporary_table),
            (12, self.prepared),
            (2, self.cancelled),
            (2, self.reconnect),
        ]

    def run(self) -> None:
        self.connect()
        weights = [weight for weight, _ in self.operations]
        while time.monotonic() < self.until:
            ((_, operation),) = self.chance.choices(self.operations, weights)
            began = time.monotonic()
            try:
                operation()
            except Exception as error:  # noqa: BLE001: each is counted, and decides the exit code
                self.tally.fail(operation.__name__, error)
                self.reconnect()
            else:
                self.tally.add(operation.__name__, time.monotonic() - began)
        self.connection.close()

    def connect(self) -> None:
        self.connection = flight_sql.connect(f"grpc://127.0.0.1:{self.port}", autocommit=True)

    def query(self, sql: str, parameters: tuple | None = None) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def retried(self, attempt: Callable[[], None]) -> None:
        """Repeat what conflicts with other clients."""
        for number in range(ATTEMPTS):
            try:
                attempt()
                return
            except adbc_driver_manager.Error as error:
                if "onflict" not in str(error) or number == ATTEMPTS - 1:
                    raise
            self.tally.retry()
            time.sleep(self.chance.uniform(0, 0.02))

    # Operations

    def point_read(self) -> None:
        key = self.chance.randrange(ROWS)
        expect(self.query(f"SELECT name FROM rows WHERE i = {key}"), [(f"name {key}",)])

    def scan(self) -> None:
        ((count, total),) = self.query("SELECT count(*), sum(i) FROM rows")
        expect((count, total), (ROWS, ROWS * (ROWS - 1) // 2))

    def insert(self) -> None:
        self.sequence += 1
        self.query(f"INSERT INTO log VALUES ({self.number}, {self.sequence}, repeat('x', 20))")
        if self.sequence % 20 == 0:
            self.query(f"DELETE FROM log WHERE client = {self.number}")

    def update(self) -> None:
        key = self.chance.randrange(CONTENDED_ROWS)
        self.retried(lambda: self.query(f"UPDATE contended SET n = n + 1 WHERE i = {key}"))

    def ingest(self) -> None:
        rows = pyarrow.table({"i": range(2000), "text": [f"text {i}" for i in range(2000)]})
        with self.connection.cursor() as cursor:
            expect(cursor.adbc_ingest(f"ingested_{self.number}", rows, mode="replace"), 2000)
        expect(self.query(f"SELECT count(*) FROM ingested_{self.number}"), [(2000,)])

    def transaction(self) -> None:
        """Move an amount between two accounts: the sum of all stays what it was."""
        # Commit and rollback of the DB-API do nothing on a connection that was opened with autocommit.
        self.connection.adbc_connection.set_autocommit(False)
        try:
            self.retried(self.transfer)
        finally:
            self.connection.adbc_connection.set_autocommit(True)

    def transfer(self) -> None:
        source, target = self.chance.sample(range(CONTENDED_ROWS), 2)
        try:
            expect(self.query("SELECT sum(amount) FROM accounts"), [(CONTENDED_ROWS * 1000,)])
            self.query(f"UPDATE accounts SET amount = amount - 1 WHERE i = {source}")
            self.query(f"UPDATE accounts SET amount = amount + 1 WHERE i = {target}")
            if self.chance.random() < 0.2:
                self.connection.adbc_connection.rollback()
            else:
                self.connection.adbc_connection.commit()
        except adbc_driver_manager.Error:
            # A failed commit has ended the transaction already.
            with contextlib.suppress(adbc_driver_manager.ProgrammingError):
                self.connection.adbc_connection.rollback()
            raise

    def temporary_table(self) -> None:
        self.query(f"CREATE OR REPLACE TEMP TABLE mine AS SELECT range + {self.number} AS i FROM range(1000)")
        expect(self.query("SELECT min(i) FROM mine"), [(self.number,)])
        self.query("DROP TABLE mine")

    def prepared(self) -> None:
        with self.connection.cursor() as cursor:
            for key in self.chance.sample(range(ROWS), 5):
                cursor.execute("SELECT name FROM rows WHERE i = ?", (key,))
                expect(cursor.fetchall(), [(f"name {key}",)])

    def cancelled(self) -> None:
        with self.connection.cursor() as cursor:
            over = threading.Event()
            canceller = threading.Thread(target=self.cancel_until, args=(cursor, over), daemon=True)
            canceller.start()
            try:
                cursor.execute(ENDLESS)
                cursor.fetchall()
            except adbc_driver_manager.Error as error:
                if error.status_code != adbc_driver_manager.AdbcStatusCode.CANCELLED:
                    raise
            else:
                raise AssertionError("an endless query has ended")
            finally:
                over.set()
                canceller.join()

    def cancel_until(self, cursor: flight_sql.Cursor, over: threading.Event) -> None:
        # More than once: a cursor that does not run yet has nothing to cancel.
        wait_s = self.chance.uniform(0.01, 0.3)
        while not over.wait(wait_s):
            cursor.adbc_cancel()

    def reconnect(self) -> None:
        with contextlib.suppress(Exception):
            self.connection.close()
        self.connect()


def expect(found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"found {found}, not {expected}")


def resident_mib(server: Duckling) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def open_connections(server: Duckling) -> int:
    """Established connections to the server's port; each holds one session."""
    established, port = "01", f"{server.port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    entries = [line.split() for line in lines]
    return sum(entry[3] == established and entry[1].endswith(f":{port}") for entry in entries)


def prepare(server: Duckling) -> None:
    statements = (
        f"CREATE TABLE rows AS SELECT range AS i, 'name ' || range AS name FROM range({ROWS})",
        "CREATE TABLE log (client INTEGER, number INTEGER, text VARCHAR)",
        f"CREATE TABLE contended AS SELECT range AS i, 0 AS n FROM range({CONTENDED_ROWS})",
        f"CREATE TABLE accounts AS SELECT range AS i, 1000 AS amount FROM range({CONTENDED_ROWS})",
    )
    with flight_sql.connect(f"grpc://127.0.0.1:{server.port}", autocommit=True) as connection:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                cursor.fetchall()


def watch(server: Duckling, tally: Tally, until: float) -> list[tuple[float, float]]:
    """Report until the time has come. Returns when how many MiB were in use."""
    began, memory = time.monotonic(), []
    print("   time  ops/s  p50 ms  p99 ms  retries  errors  sessions  RSS MiB", flush=True)
    while (now := time.monotonic()) < until:
        time.sleep(min(REPORT_INTERVAL_S, until - now))
        elapsed = time.monotonic() - began
        latencies_s = tally.take_latencies_s()
        if server.process.poll() is not None or len(latencies_s) < 2:
            tally.fail("server", RuntimeError(f"it stands still; exit code {server.process.poll()}"))
            break
        centiles = statistics.quantiles(latencies_s, n=100)
        memory.append((elapsed, resident_mib(server)))
        print(
            f"{elapsed:5.0f} s {len(latencies_s) / (time.monotonic() - now):6.0f} {centiles[49] * 1e3:7.1f} "
            f"{centiles[98] * 1e3:7.0f} {tally.retries:8} {len(tally.errors):7} {open_connections(server):9} "
            f"{memory[-1][1]:8.0f}",
            flush=True,
        )
    return memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--clients", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # All sessions but those that are in use or just closing would be too many: a leak shows as an error.
        most = options.clients * 2 + 8
        server = Duckling(
            "--listen", "127.0.0.1:0", "--database", f"soak={folder}/soak.duckdb", "--log-level", "error",
            "--disconnect-timeout", "1s", "--max-sessions", str(most),
        )  # fmt: skip
        try:
            return soak(server, options)
        finally:
            server.kill()


def soak(server: Duckling, options: argparse.Namespace) -> int:
    prepare(server)
    tally = Tally()
    duration_s = options.minutes * 60
    until = time.monotonic() + duration_s
    clients = [Client(server.port, number, until, tally) for number in range(options.clients)]
    for client in clients:
        client.start()
    memory = watch(server, tally, until)
    for client in clients:
        client.join(LIMIT_S)
    failures = [f"unexpected error: {error}" for error in tally.errors]
    failures += [f"client {client.number} hangs" for client in clients if client.is_alive()]
    warm = [mib for elapsed, mib in memory if WARM_UP * duration_s <= elapsed <= (WARM_UP + 0.3) * duration_s]
    last = [mib for elapsed, mib in memory if elapsed >= 0.8 * duration_s]
    if warm and last:
        before, after = statistics.median(warm), statistics.median(last)
        print(f"memory: {before:.0f} MiB after the warm-up, {after:.0f} MiB at the end")
        if after > before * MAX_GROWTH + MAX_GROWTH_MIB:
            failures.append("memory grows")
    counts = ", ".join(f"{kind} {count}" for kind, count in tally.kinds.most_common())
    print(f"{tally.total} operations by {options.clients} clients: {counts}")
    if (code := server.stop()) != 0:
        failures.append(f"the server ended with exit code {code}")
    print("\n".join(failures[:20]) or "no unexpected errors")
    if len(failures) > 20:
        print(f"and {len(failures) - 20} more")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
