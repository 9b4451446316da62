"""Clients that compact a distributed table, and remove files that nobody lists, again and again, while others change the table."""

from __future__ import annotations

import random
import time

import duckdb
from table_writers import ClientThread, check_that_a_worker_failed, is_conflict

VACUUM = "SELECT count(*) FROM duckherder_vacuum(older_than := INTERVAL 0 SECOND)"
#: From only the files of the smallest INSERTs to all: the fewer there are, the fewer changes conflict with it
TARGET_SIZES = ("2KB", "10KB", "128MB")
#: Between two calls
PAUSE_S = (0, 0.05)


class Caretaker(ClientThread):
    """Makes one call after the other, none of which changes a row; `counts` tells what became of them."""

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(f"{type(self).__name__} {seed}"))

    def start(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.begin(connection)

    def step(self) -> bool:
        if not self.call():
            return False
        time.sleep(self.chance.uniform(*PAUSE_S))
        return True

    def call(self) -> bool:
        try:
            self.look_after()
        except duckdb.Error as error:
            return self.failed(error)
        self.counts["done"] += 1
        return True

    def look_after(self) -> None:
        raise NotImplementedError

    def failed(self, error: duckdb.Error) -> bool:
        if is_conflict(error):
            self.counts["conflicts"] += 1
            return True
        if self.driver_goes.is_set():
            self.counts["lost"] += 1
            return False
        check_that_a_worker_failed(error)
        self.errors.add(str(error).splitlines()[0])
        self.counts["errors"] += 1
        return True


class Compactor(Caretaker):
    """Writes small files into one."""

    def look_after(self) -> None:
        target = self.chance.choice(TARGET_SIZES)
        (rows,) = self.connection.execute(f"FROM duckherder_compact('dh.t', target_size := '{target}')").fetchone()
        self.counts["compacted rows"] += rows


class Vacuum(Caretaker):
    """Removes files that nobody lists, however young they are."""

    def look_after(self) -> None:
        (files,) = self.connection.execute(VACUUM).fetchone()
        self.counts["removed files"] += files
