"""A server that is killed under load: what it has acknowledged is there after a restart, the rest is whole or absent."""

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
from conftest import Duckling

ROUNDS = int(os.environ.get("DUCKHERDER_KILL_ROUNDS", "4"))
WRITERS = 6
#: Rows of one transaction, in two statements and two tables
ROWS = 10
#: When a round's server is killed, after the first commit
LIFETIME_S = (0.2, 1.5)
LIMIT_S = 60


class Writer(threading.Thread):
    """Commits one transaction after the other until its server is gone."""

    def __init__(self, port: int, number: int, first_transaction: int, committed: threading.Event) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.number = number
        self.next = first_transaction
        self.committed = committed
        #: The server said that these are committed.
        self.acknowledged: list[int] = []
        #: These were rolled back by the client.
        self.given_up: list[int] = []
        self.unexpected: Exception | None = None
        self.is_over = threading.Event()

    def run(self) -> None:
        try:
            with flight_sql.connect(f"grpc://127.0.0.1:{self.port}") as connection, connection.cursor() as cursor:
                while True:
                    self.transact(connection, cursor)
        except adbc_driver_manager.Error as error:
            if not self.is_over.is_set():
                self.unexpected = error
        except Exception as error:  # noqa: BLE001: a thread's failure is the test's
            self.unexpected = error

    def transact(self, connection: flight_sql.Connection, cursor: flight_sql.Cursor) -> None:
        transaction, self.next = self.next, self.next + 1
        cursor.executemany(
            "INSERT INTO one VALUES (?, ?, ?)", [(self.number, transaction, row) for row in range(ROWS)]
        )
        cursor.execute(f"INSERT INTO two SELECT {self.number}, {transaction}, range FROM range({ROWS})")
        cursor.fetchall()
        if transaction % 5 == 4:
            connection.rollback()
            self.given_up.append(transaction)
            return
        connection.commit()
        self.acknowledged.append(transaction)
        self.committed.set()


def counts(port: int, table: str) -> dict[tuple[int, int], int]:
    """How many rows of each transaction there are."""
    with flight_sql.connect(f"grpc://127.0.0.1:{port}", autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT writer, transaction, count(*) FROM {table} GROUP BY ALL")
        return {(writer, transaction): rows for writer, transaction, rows in cursor.fetchall()}


def test_acknowledged_commits_survive(start_server: Callable[..., Duckling], tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("DUCKHERDER_KILL_SEED"))
    arguments = ("--listen", "127.0.0.1:0", "--database", f"d={tmp_path / 'd.duckdb'}", "--log-level", "error")
    server = start_server(*arguments)
    with flight_sql.connect(f"grpc://127.0.0.1:{server.port}", autocommit=True) as connection:
        with connection.cursor() as cursor:
            for table in ("one", "two"):
                cursor.execute(f"CREATE TABLE {table} (writer INTEGER, transaction INTEGER, row INTEGER)")
                cursor.fetchall()
    acknowledged: set[tuple[int, int]] = set()
    given_up: set[tuple[int, int]] = set()
    next_transactions = [0] * WRITERS
    for number in range(1, ROUNDS + 1):
        committed = threading.Event()
        writers = [Writer(server.port, i, next_transactions[i], committed) for i in range(WRITERS)]
        for writer in writers:
            writer.start()
        assert committed.wait(LIMIT_S), [writer.unexpected for writer in writers]
        time.sleep(chance.uniform(*LIFETIME_S))
        for writer in writers:
            writer.is_over.set()
        server.kill()
        for writer in writers:
            writer.join(LIMIT_S)
            assert not writer.is_alive(), "the client hangs"
            assert writer.unexpected is None
        acknowledged |= {(w.number, transaction) for w in writers for transaction in w.acknowledged}
        given_up |= {(w.number, transaction) for w in writers for transaction in w.given_up}
        next_transactions = [writer.next for writer in writers]

        began = time.monotonic()
        server = start_server(*arguments)
        one, two = counts(server.port, "one"), counts(server.port, "two")
        lost = acknowledged - one.keys()
        unasked = one.keys() - acknowledged
        print(
            f"round {number}: {sum(len(w.acknowledged) for w in writers)} commits acknowledged, {len(lost)} of "
            f"{len(acknowledged)} lost, {len(unasked)} without an answer were made, "
            f"back after {time.monotonic() - began:.2f} s"
        )
        assert not lost
        assert one == two, "a transaction is there by half"
        assert set(one.values()) == {ROWS}, "a statement is there by half"
        assert not given_up & one.keys(), "what was rolled back is there"
        # Each writer's last transaction may have been committed without the answer getting through.
        assert len(unasked) <= WRITERS * number
