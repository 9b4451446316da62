"""Clients that change a distributed table and a native one at random, and know what must be in them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass

import duckdb

#: Rows of each writer in the file that all of them share
SHARED = 5
#: The other columns of a row follow from its key, so damage shows.
TEXT = "'row ' || {k} || repeat('x', ({k} % 100)::INTEGER)"


def create_tables(client: duckdb.DuckDBPyConnection, writers: int) -> None:
    """`dh.t`, with a file in which all writers have rows, and the native `dh.notes`, which tells the transactions."""
    client.execute("CREATE TABLE dh.t (writer INTEGER, k BIGINT, v BIGINT, s VARCHAR) WITH (distributed = true)")
    rows = f"FROM dh.range({writers}) w(writer), dh.range({SHARED}) r(k)"
    client.execute(f"INSERT INTO dh.t SELECT writer, k, 0, {TEXT.format(k='k')} {rows}")
    client.execute("CREATE TABLE dh.notes (writer INTEGER, note INTEGER)")


@dataclass(frozen=True)
class State:
    """What a writer has in the tables: values by key, and notes."""

    rows: dict[int, int]
    notes: frozenset[int]


def states(client: duckdb.DuckDBPyConnection, writers: int) -> list[State]:
    """What each writer has. Fails if a row is there twice, or damaged."""
    wrong = f"SELECT count(*), count(*) FILTER (s IS DISTINCT FROM {TEXT.format(k='k')}) FROM dh.t"
    rows = client.execute("SELECT writer, k, v FROM dh.t").fetchall()
    assert client.execute(wrong).fetchone() == (len(rows), 0), "rows are damaged"
    notes = client.execute("FROM dh.notes").fetchall()
    assert len(set(notes)) == len(notes), "a note is there twice"
    result = []
    for number in range(writers):
        mine = {k: v for writer, k, v in rows if writer == number}
        assert len(mine) == sum(writer == number for writer, *_ in rows), f"rows of writer {number} are there twice"
        result.append(State(mine, frozenset(note for writer, note in notes if writer == number)))
    return result


def is_conflict(error: duckdb.Error) -> bool:
    return isinstance(error, duckdb.TransactionException) and "onflict" in str(error)


def check_that_a_worker_failed(error: duckdb.Error) -> None:
    """It is the answer of a driver, of a statement that has changed nothing."""
    assert isinstance(error, duckdb.IOException), repr(error)
    assert "127.0.0.1:" in str(error) or "All workers" in str(error), repr(error)


class ClientThread:
    """A client that works in rounds, on a thread of its own; `counts` tells what became of its work."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self.errors: set[str] = set()
        self.failure: BaseException | None = None
        #: The end of this round: without, and with that of the driver
        self.is_over = threading.Event()
        self.driver_goes = threading.Event()

    def begin(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Begin a round."""
        self.connection = connection
        self.is_over.clear()
        self.driver_goes.clear()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            while not self.is_over.is_set() and self.step():
                pass
        except BaseException as error:  # noqa: BLE001: a thread's failure is the test's
            self.failure = error

    def step(self) -> bool:
        """Whether the driver is there for another one."""
        raise NotImplementedError


class Writer(ClientThread):
    """Changes its own rows, in one transaction after the other; `state` is what it has committed."""

    def __init__(self, number: int, seed: int) -> None:
        super().__init__(random.Random(seed + number))
        self.number = number
        self.state = State(dict.fromkeys(range(SHARED), 0), frozenset())
        #: What would be there if the commit whose answer did not come was made
        self.unknown: State | None = None
        self.is_committing = False
        self.next_key = 100
        self.next_note = 0

    def start(self, connection: duckdb.DuckDBPyConnection, committed: threading.Event) -> None:
        self.committed = committed
        self.begin(connection)

    def step(self) -> bool:
        self.after, self.is_ending, self.is_open = self.state, False, False
        try:
            acknowledged = self.one_statement() if self.chance.random() < 0.4 else self.several_statements()
        except duckdb.Error as error:
            return self.failed(error)
        if acknowledged:
            self.state = self.after
            self.counts["commits"] += 1
            self.committed.set()
        else:
            self.counts["rollbacks"] += 1
        return True

    def failed(self, error: duckdb.Error) -> bool:
        conflicts = is_conflict(error)
        if not conflicts:
            if self.driver_goes.is_set():
                self.counts["unknown" if self.is_ending else "lost"] += 1
                self.unknown = self.after if self.is_ending else None
                return False
            check_that_a_worker_failed(error)
            self.errors.add(str(error).splitlines()[0])
        self.counts["conflicts" if conflicts else "errors"] += 1
        if self.is_open and not self.is_ending:
            try:
                self.connection.execute("ROLLBACK")
            except duckdb.Error as lost:
                assert self.driver_goes.is_set(), repr(lost)
                return False
        time.sleep(self.chance.uniform(0, 0.02))
        return True

    def one_statement(self) -> bool:
        self.is_ending = True
        self.change()
        return True

    def several_statements(self) -> bool:
        self.connection.execute("BEGIN")
        self.is_open = True
        for _ in range(self.chance.randrange(1, 5)):
            self.change()
        note, self.next_note = self.next_note, self.next_note + 1
        self.connection.execute(f"INSERT INTO dh.notes VALUES ({self.number}, {note})")
        self.after = State(self.after.rows, self.after.notes | {note})
        if self.chance.random() < 0.3:
            mine = self.connection.execute(f"SELECT k, v FROM dh.t WHERE writer = {self.number}").fetchall()
            assert sorted(mine) == sorted(self.after.rows.items()), "its own changes"
        if self.chance.random() < 0.15:
            self.connection.execute("ROLLBACK")
            return False
        self.is_ending = self.is_committing = True
        try:
            self.connection.execute("COMMIT")
        finally:
            self.is_committing = False
        return True

    def change(self) -> None:
        """Run one statement, and do the same to the rows of `after`, first: it may be made without an answer."""
        kind = self.chance.choice((self.insert, self.insert, self.update, self.update, self.delete, self.merge))
        rows = dict(self.after.rows)
        statement, count = kind(rows)
        self.after = State(rows, self.after.notes)
        assert self.connection.execute(statement).fetchone() == (count,), statement

    def insert(self, rows: dict[int, int]) -> tuple[str, int]:
        first, count = self.next_key, self.chance.choice((1, 20, 300))
        self.next_key += count
        rows.update((k, k % 13) for k in range(first, first + count))
        source = f"SELECT {self.number}, range, range % 13, {TEXT.format(k='range')} FROM dh.range({first}, {first + count})"
        return f"INSERT INTO dh.t {source}", count

    def some(self, rows: dict[int, int], least: int) -> tuple[str, list[int]]:
        """A condition, and the keys of the rows that it is true of."""
        modulus = self.chance.randrange(least, 9)
        rest = self.chance.randrange(modulus)
        keys = [k for k in rows if k % modulus == rest]
        return f"writer = {self.number} AND k % {modulus} = {rest}", keys

    def update(self, rows: dict[int, int]) -> tuple[str, int]:
        where, keys = self.some(rows, 1)
        more = self.chance.randrange(1, 100)
        rows.update((k, rows[k] + more) for k in keys)
        return f"UPDATE dh.t SET v = v + {more} WHERE {where}", len(keys)

    def delete(self, rows: dict[int, int]) -> tuple[str, int]:
        where, keys = self.some(rows, 3)
        for k in keys:
            del rows[k]
        return f"DELETE FROM dh.t WHERE {where}", len(keys)

    def merge(self, rows: dict[int, int]) -> tuple[str, int]:
        first = self.chance.randrange(100, self.next_key + 1)
        keys = range(first, first + 20)
        self.next_key = max(self.next_key, keys.stop)
        for k in keys:
            if k not in rows:
                rows[k] = 0
            elif rows[k] % 2 == 0:
                del rows[k]
            else:
                rows[k] += 1
        return (
            f"MERGE INTO dh.t USING dh.range({keys.start}, {keys.stop}) r(key) ON t.writer = {self.number} AND t.k = r.key"
            f" WHEN MATCHED AND t.v % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = v + 1"
            f" WHEN NOT MATCHED THEN INSERT VALUES ({self.number}, r.key, 0, {TEXT.format(k='r.key')})"
        ), len(keys)

    def settle(self, there: State) -> None:
        """After a round: what is there has to be what was acknowledged, and what is unknown whole or not at all."""
        if there != self.state:
            assert self.unknown is not None, self.difference(there, self.state)
            assert there == self.unknown, f"{self.difference(there, self.state)}, {self.difference(there, self.unknown)}"
            self.counts["unknown, made"] += 1
        self.state, self.unknown = there, None

    def difference(self, there: State, model: State) -> str:
        rows = sorted(set(there.rows.items()) ^ set(model.rows.items()))
        return f"writer {self.number}: {len(rows)} rows differ, such as {rows[:5]}; notes: {there.notes ^ model.notes}"
