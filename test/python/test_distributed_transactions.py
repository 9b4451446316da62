"""Transactions of many clients on distributed tables: nothing is lost, there twice, or seen by half.

`DUCKHERDER_TRANSFERS=500` lets each client of the bank make more transfers, `DUCKHERDER_TRANSFER_SEED` repeats their choices.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from storages import Storage
from waiting import until

TRANSFERS = int(os.environ.get("DUCKHERDER_TRANSFERS", "25"))
SEED = int(os.environ.get("DUCKHERDER_TRANSFER_SEED", random.randrange(1 << 30)))
CLIENTS = 4
READERS = 2
ALTERATIONS = max(1, TRANSFERS // 12)
ACCOUNTS = 48
#: Files of the distributed accounts at first
FILES = 8
START = 100
#: The longest wait for a client's thread
LIMIT_S = 240


def rolled_back(connection: duckdb.DuckDBPyConnection) -> None:
    """End a transaction that failed, unless its COMMIT has ended it."""
    try:
        connection.execute("ROLLBACK")
    except duckdb.TransactionException as error:
        assert "no transaction is active" in str(error), error


class Bank:
    """Accounts in `dh.bank`, which is distributed, and the last `native` of them in `dh.vault`, which is not."""

    def __init__(self, storage: Storage, native: int) -> None:
        self.storage = storage
        self.distributed = ACCOUNTS - native
        client = storage.client()
        columns = "(id INTEGER NOT NULL, balance DECIMAL(18, 2) CHECK (balance >= 0))"
        client.execute(f"CREATE TABLE dh.bank {columns} WITH (distributed = true)")
        client.execute(f"CREATE TABLE dh.vault {columns}")
        for file in range(FILES):
            client.execute(f"INSERT INTO dh.bank SELECT range, {START} FROM dh.range({file}, {self.distributed}, {FILES})")
        client.execute(f"INSERT INTO dh.vault SELECT range, {START} FROM dh.range({self.distributed}, {ACCOUNTS})")
        self.check(client)

    def table(self, account: int) -> str:
        return "dh.bank" if account < self.distributed else "dh.vault"

    def client(self) -> duckdb.DuckDBPyConnection:
        connection = self.storage.client()
        connection.execute("SET threads = 1")
        return connection

    def check(self, client: duckdb.DuckDBPyConnection) -> list[tuple]:
        accounts = client.execute("FROM dh.bank UNION ALL FROM dh.vault").fetchall()
        assert sorted(account for account, _ in accounts) == list(range(ACCOUNTS)), "an account is missing, or there twice"
        assert sum(balance for _, balance in accounts) == ACCOUNTS * START
        return sorted(accounts)


class Teller(threading.Thread):
    """Makes its transfers, each until it is committed or refused for want of money."""

    def __init__(self, bank: Bank, number: int) -> None:
        super().__init__(daemon=True)
        self.bank = bank
        self.connection = bank.client()
        self.chance = random.Random(SEED + number)
        self.counts: Counter[str] = Counter()
        #: What all that was committed has changed, by account
        self.changes: Counter[int] = Counter()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for _ in range(TRANSFERS):
                source, target = self.chance.sample(range(ACCOUNTS), 2)
                amount = self.chance.randrange(1, START)
                while not self.transfer(source, target, amount):
                    time.sleep(self.chance.uniform(0, 0.02))
        except BaseException as error:  # noqa: BLE001: a thread's failure is the test's
            self.failure = error

    def transfer(self, source: int, target: int, amount: int) -> bool:
        """Whether it need not be tried again."""
        self.connection.execute("BEGIN")
        try:
            self.add(target, amount)
            self.add(source, -amount)
            self.connection.execute("COMMIT")
        except duckdb.TransactionException as error:
            assert "onflict" in str(error), error
            rolled_back(self.connection)
            self.counts["conflicts"] += 1
            return False
        except duckdb.ConstraintException:
            rolled_back(self.connection)
            self.counts["refused"] += 1
            return True
        self.counts["transfers"] += 1
        self.changes[target] += amount
        self.changes[source] -= amount
        return True

    def add(self, account: int, amount: int) -> None:
        table = self.bank.table(account)
        changed = self.connection.execute(f"UPDATE {table} SET balance = balance + {amount} WHERE id = {account}").fetchone()
        assert changed == (1,), changed


class Auditor(threading.Thread):
    """Looks at all accounts again and again, in one statement, and in several of one transaction."""

    def __init__(self, bank: Bank) -> None:
        super().__init__(daemon=True)
        self.bank = bank
        self.connection = bank.client()
        self.is_over = threading.Event()
        self.counts: Counter[str] = Counter()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.is_over.is_set():
                self.bank.check(self.connection)
                self.transact()
                self.counts["audits"] += 1
        except BaseException as error:  # noqa: BLE001: a thread's failure is the test's
            self.failure = error

    def transact(self) -> None:
        self.connection.execute("BEGIN")
        one_by_one = sorted(row for table in ("bank", "vault") for row in self.connection.execute(f"FROM dh.{table}").fetchall())
        assert self.bank.check(self.connection) == one_by_one, "a transaction sees another's COMMIT"
        listed = "SELECT sum(row_count) FROM dh.duckherder.files"
        assert self.connection.execute(listed).fetchone() == (self.bank.distributed,)
        self.connection.execute("COMMIT")


@pytest.mark.parametrize("native", [0, ACCOUNTS // 3])
def test_money_is_neither_lost_nor_made(storage: Storage, native: int) -> None:
    print(f"seed {SEED}")
    bank = Bank(storage, native)
    tellers = [Teller(bank, number) for number in range(CLIENTS)]
    auditors = [Auditor(bank) for _ in range(READERS)]
    begun = time.monotonic()
    for thread in (*tellers, *auditors):
        thread.start()
    for teller in tellers:
        teller.join(LIMIT_S)
    took_s = time.monotonic() - begun
    for auditor in auditors:
        auditor.is_over.set()
        auditor.join(LIMIT_S)
    counts = sum((thread.counts for thread in (*tellers, *auditors)), Counter())
    print(f"{dict(counts)} in {took_s:.1f} s")
    for thread in (*tellers, *auditors):
        assert thread.failure is None, thread.failure
        assert not thread.is_alive(), "a client hangs"
    assert all(teller.counts["transfers"] > 0 for teller in tellers), [teller.counts for teller in tellers]
    assert all(auditor.counts["audits"] > 0 for auditor in auditors)
    changes = sum((list(teller.changes.items()) for teller in tellers), [])
    expected = {account: START for account in range(ACCOUNTS)}
    for account, change in changes:
        expected[account] += change
    client = storage.client()
    assert dict(bank.check(client)) == expected, "what was committed is not what there is"
    storage.check_list(client)
    storage.server.kill()
    storage.begin()
    again = storage.client()
    assert dict(bank.check(again)) == expected, "after a crash"
    storage.check_list(again)


#: What another client does while a reader reads: none of it is in the reader's way, nor the reader in its.
CHANGES = (
    "INSERT INTO dh.{t} SELECT range, range % 7, 'more' FROM dh.range(1000, 1500)",
    "UPDATE dh.{t} SET s = 'changed' WHERE i % 3 = 0",
    "DELETE FROM dh.{t} WHERE i % 4 = 1",
    "ALTER TABLE dh.{t} ADD COLUMN n INTEGER DEFAULT 5",
    "UPDATE dh.{t} SET n = i WHERE g = 2",
    "ALTER TABLE dh.{t} ALTER g TYPE VARCHAR",
    "ALTER TABLE dh.{t} RENAME s TO other",
    "ALTER TABLE dh.{t} DROP COLUMN n",
    "TRUNCATE dh.{t}",
    "INSERT INTO dh.{t} (i) VALUES (-1)",
)
QUERIES = ("FROM dh.d ORDER BY i", "SELECT g, count(*), sum(i), max(s) FROM dh.d GROUP BY g ORDER BY g", "SELECT count(*) FROM dh.d")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_long_reader_reads_what_was_there(storage: Storage, workers: int) -> None:
    reader, writer = storage.client(), storage.client()
    storage.work_with(workers, reader)
    if workers:
        reader.execute("SET duckherder_distribution = 'force'")
    for table, options in (("d", "WITH (distributed = true)"), ("n", "")):
        writer.execute(f"CREATE TABLE dh.{table} (i INTEGER, g INTEGER, s VARCHAR) {options}")
        for first in (0, 400, 800):
            writer.execute(f"INSERT INTO dh.{table} SELECT range, range % 7, 'row ' || range FROM dh.range({first}, {first + 300})")
    reader.execute("BEGIN")
    before = [reader.execute(query).fetchall() for query in QUERIES]
    assert len(before[0]) == 900
    for change in CHANGES:
        for table in ("d", "n"):
            writer.execute(change.format(t=table))
        assert [reader.execute(query).fetchall() for query in QUERIES] == before, change
        assert [column[0] for column in reader.execute("FROM dh.d").description] == ["i", "g", "s"], change
        assert writer.execute("FROM dh.d ORDER BY ALL").fetchall() == writer.execute("FROM dh.n ORDER BY ALL").fetchall(), change
    storage.check_list(writer)
    reader.execute("COMMIT")
    assert reader.execute("FROM dh.d").fetchall() == [(-1, None, None)]
    assert [column[0] for column in reader.execute("FROM dh.d").description] == ["i", "g", "other"]


def test_a_reader_sees_a_table_that_another_has_dropped(storage: Storage) -> None:
    reader, writer = storage.client(), storage.client()
    writer.execute("CREATE TABLE dh.d WITH (distributed = true) AS SELECT range AS i FROM dh.range(1000)")
    reader.execute("BEGIN")
    assert reader.execute("SELECT sum(i) FROM dh.d").fetchone() == (499500,)
    writer.execute("DROP TABLE dh.d")
    assert reader.execute("SELECT sum(i) FROM dh.d").fetchone() == (499500,)
    writer.execute("CREATE TABLE dh.d WITH (distributed = true) AS SELECT 7 AS i")
    assert reader.execute("SELECT sum(i) FROM dh.d").fetchone() == (499500,)
    reader.execute("COMMIT")
    assert reader.execute("SELECT sum(i) FROM dh.d").fetchone() == (7,)


@pytest.mark.parametrize("change", ["DELETE FROM dh.d WHERE i % 2 = 0", "UPDATE dh.d SET i = -1", "TRUNCATE dh.d", "DROP TABLE dh.d"])
def test_a_result_that_is_being_read_stays_what_it_was(storage: Storage, change: str) -> None:
    """No transaction is open but that of the statement, which has not ended while its rows are being read."""
    rows = 3_000_000
    reader, writer = storage.client(), storage.client()
    writer.execute("CREATE TABLE dh.d (i BIGINT, s VARCHAR) WITH (distributed = true)")
    for first in range(0, rows, rows // 3):
        writer.execute(f"INSERT INTO dh.d SELECT range, 'some text ' || range FROM dh.range({first}, {first + rows // 3})")
    batches = reader.sql("FROM dh.d").to_arrow_reader(10_000)
    total, count = sum(batches.read_next_batch()["i"].to_pylist()), 1
    writer.execute(change)
    for batch in batches:
        total += sum(batch["i"].to_pylist())
        count += 1
    assert total == rows * (rows - 1) // 2, f"{count} batches"


#: What one client does to the table's definition, over and over, which ends as it has begun
DEFINITIONS = (
    "ALTER TABLE dh.d ALTER g TYPE VARCHAR",
    "ALTER TABLE dh.d ADD COLUMN n INTEGER DEFAULT 5",
    "ALTER TABLE dh.d ALTER g TYPE BIGINT",
    "ALTER TABLE dh.d RENAME n TO m",
    "ALTER TABLE dh.d ALTER i SET NOT NULL",
    "ALTER TABLE dh.d DROP COLUMN m",
    "ALTER TABLE dh.d ALTER i DROP NOT NULL",
)


def test_rows_and_definitions_change_at_once(storage: Storage) -> None:
    """Whatever conflicts is made again: no row is lost, and none is there twice."""
    setup = storage.client()
    setup.execute("CREATE TABLE dh.d (i INTEGER, g BIGINT) WITH (distributed = true)")
    altering = threading.Event()
    altering.set()
    counts: Counter[str] = Counter()
    failures: list[BaseException] = []
    models: list[dict[int, int]] = [{} for _ in range(CLIENTS)]

    def again(connection: duckdb.DuckDBPyConnection, *statements: str) -> None:
        while True:
            try:
                for statement in ("BEGIN", *statements, "COMMIT"):
                    connection.execute(statement)
                return
            except duckdb.Error as error:
                assert "onflict" in str(error) or "altered" in str(error), repr(error)
                rolled_back(connection)
                counts["conflicts"] += 1
                time.sleep(random.uniform(0, 0.02))

    def guarded(work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001: a thread's failure is the test's
            failures.append(error)
            altering.clear()

    def write(connection: duckdb.DuckDBPyConnection, number: int) -> None:
        chance, model, next_row = random.Random(SEED + number), models[number], number
        while altering.is_set():
            rows = [next_row + CLIENTS * n for n in range(chance.randrange(1, 20))]
            next_row = rows[-1] + CLIENTS
            model.update((row, row) for row in rows)
            insert = f"INSERT INTO dh.d (i, g) SELECT range, range FROM dh.range({rows[0]}, {next_row}, {CLIENTS})"
            modulus = chance.randrange(2, 9)
            mine = f"WHERE i % {CLIENTS} = {number} AND i // {CLIENTS} % {modulus} = 0"
            touched = [row for row in model if row // CLIENTS % modulus == 0]
            if chance.random() < 0.5:
                again(connection, insert, f"UPDATE dh.d SET g = g::BIGINT + 1 {mine}")
                model.update((row, model[row] + 1) for row in touched)
            else:
                again(connection, insert, f"DELETE FROM dh.d {mine}")
                for row in touched:
                    del model[row]
            counts["writes"] += 1
            # ALTER only gets in if nobody has written while it ran
            time.sleep(chance.uniform(0, 0.3))

    def define(connection: duckdb.DuckDBPyConnection) -> None:
        for _ in range(ALTERATIONS):
            for definition in DEFINITIONS:
                seen = counts["writes"]
                again(connection, definition)
                counts["alterations"] += 1
                until(lambda seen=seen: counts["writes"] > seen + 1 or not altering.is_set(), "others write meanwhile")
        altering.clear()

    threads = [threading.Thread(target=guarded, args=(write, storage.client(), number), daemon=True) for number in range(CLIENTS)]
    threads.append(threading.Thread(target=guarded, args=(define, storage.client()), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    print(dict(counts))
    assert not failures, failures
    assert not any(thread.is_alive() for thread in threads), "a client hangs"
    expected = sorted(item for model in models for item in model.items())
    assert setup.execute("FROM dh.d ORDER BY i").fetchall() == expected
    storage.check_list(setup)


@pytest.fixture
def client(storage: Storage) -> duckdb.DuckDBPyConnection:
    """A client of a server where `dh.d` is distributed and has 3 files, and `dh.n` is native."""
    connection = storage.client()
    connection.execute("CREATE TABLE dh.d (i INTEGER CHECK (i < 1000000), s VARCHAR) WITH (distributed = true)")
    for first in (0, 1000, 2000):
        connection.execute(f"INSERT INTO dh.d SELECT range, 'row ' || range FROM dh.range({first}, {first + 1000})")
    connection.execute("CREATE TABLE dh.n AS SELECT 1 AS i")
    return connection


def state(client: duckdb.DuckDBPyConnection) -> list:
    """All that there is: tables, columns, rows, the list of files."""
    return [
        client.execute(query).fetchall()
        for query in (
            "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE database_name = 'dh' ORDER BY ALL",
            "FROM dh.d ORDER BY ALL",
            "FROM dh.n ORDER BY ALL",
            "SELECT path, row_count FROM dh.duckherder.files ORDER BY ALL",
        )
    ]


#: Statements whose last rows cannot be
FAILING = {
    "insert: CHECK": "INSERT INTO dh.d SELECT if(range = 299999, 1000000, range), 'x' FROM dh.range(300000)",
    "insert: cast": "INSERT INTO dh.d SELECT if(range = 299999, 'word', range::VARCHAR), 'x' FROM dh.range(300000)",
    "insert: own rows": "INSERT INTO dh.d SELECT if(i = 2999, 'word', '7')::INTEGER, s FROM dh.d",
    "insert: local rows": "INSERT INTO dh.d SELECT if(range = 299999, 1000000, range), 'x' FROM range(300000)",
    "insert: local cast": "INSERT INTO dh.d SELECT if(range = 299999, 'word', '1')::INTEGER, 'x' FROM range(300000)",
    "insert returning": "INSERT INTO dh.d SELECT if(range = 299999, 1000000, range), 'x' FROM dh.range(300000) RETURNING *",
    "create table as": "CREATE TABLE dh.c WITH (distributed = true) AS SELECT if(range = 299999, 'word', '1')::INTEGER FROM dh.range(300000)",
    "replace table as": "CREATE OR REPLACE TABLE dh.d WITH (distributed = true) AS SELECT if(i = 2999, 'word', '1')::INTEGER AS i FROM dh.d",
    "update: CHECK": "UPDATE dh.d SET i = if(i = 2999, 1000000, i + 1)",
    "update: cast": "UPDATE dh.d SET i = if(i = 2999, 'word', '7')::INTEGER",
    "update returning": "UPDATE dh.d SET i = if(i = 2999, 1000000, i + 1) RETURNING s",
    "delete": "DELETE FROM dh.d WHERE if(i = 2999, 'word', '7')::INTEGER > 0",
    "merge": "MERGE INTO dh.d USING dh.range(2990, 3010) r(i) ON r.i = d.i WHEN MATCHED THEN UPDATE SET s = 'merged'"
    " WHEN NOT MATCHED AND r.i = 3009 THEN ERROR 'no' WHEN NOT MATCHED THEN INSERT VALUES (r.i, 'new')",
    "merge: CHECK": "MERGE INTO dh.d USING dh.range(2990, 3010) r(i) ON r.i = d.i WHEN MATCHED THEN DELETE"
    " WHEN NOT MATCHED THEN INSERT VALUES (if(r.i = 3009, 1000000, 1), 'new')",
    "alter type": "ALTER TABLE dh.d ALTER i TYPE TINYINT",
    "alter using": "ALTER TABLE dh.d ALTER s TYPE INTEGER USING if(i = 2999, s, '1')::INTEGER",
    "alter not null": "ALTER TABLE dh.d ADD COLUMN n INTEGER NOT NULL",
    "copy": "COPY dh.d FROM '{folder}/rows.csv' (HEADER true, AUTO_DETECT false, COLUMNS {{'i': 'INTEGER', 's': 'VARCHAR'}})",
}


@pytest.mark.parametrize("name", FAILING)
def test_a_statement_that_fails_leaves_nothing(storage: Storage, client: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    if name == "copy":
        (tmp_path / "rows.csv").write_text("i,s\n" + "1,x\n" * 200_000 + "word,x\n")
    statement = FAILING[name].format(folder=tmp_path)
    before = state(client)
    with pytest.raises(duckdb.Error):
        client.execute(statement).fetchall()
    assert state(client) == before
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.d VALUES (5000, 'first')")
    client.execute("UPDATE dh.d SET s = 'first' WHERE i < 10")
    client.execute("INSERT INTO dh.n VALUES (2)")
    with pytest.raises(duckdb.Error):
        client.execute(statement).fetchall()
    with pytest.raises(duckdb.TransactionException, match="(?i)rollback"):
        client.execute("INSERT INTO dh.d VALUES (5000, 'second')")
    client.execute("ROLLBACK")
    other = storage.client()
    assert state(client) == before == state(other)
    client.execute("DELETE FROM dh.d WHERE i = 1")
    assert other.execute("SELECT count(*) FROM dh.d").fetchone() == (2999,), "it works on"
    storage.check_list(other)


def test_a_rollback_leaves_nothing(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    other = storage.client()
    before = state(client)
    for _ in range(2):
        client.execute("BEGIN")
        for statement in (
            "INSERT INTO dh.d VALUES (5000, 'first')",
            "UPDATE dh.d SET s = 'first' WHERE i % 2 = 0",
            "DELETE FROM dh.d WHERE i % 3 = 0",
            "UPDATE dh.n SET i = 2",
            "INSERT INTO dh.d SELECT i + 1, s FROM dh.d",
            "ALTER TABLE dh.d ADD COLUMN n INTEGER DEFAULT 3",
            "CREATE TABLE dh.c WITH (distributed = true) AS FROM dh.d",
            "DROP TABLE dh.d",
            "ALTER TABLE dh.c RENAME TO d",
            "TRUNCATE dh.d",
        ):
            client.execute(statement)
            assert state(other) == before, f"seen before COMMIT: {statement}"
        client.execute("ROLLBACK")
        assert state(client) == before == state(other)
    storage.check_list(client)


#: Statements that would not end in a test's time
ENDLESS = {
    "insert": "INSERT INTO dh.d SELECT range % 1000, 'x' || range FROM dh.range(5000000000)",
    "local insert": "INSERT INTO dh.d SELECT range % 1000, 'x' || range FROM range(5000000000)",
    "create": "CREATE TABLE dh.c WITH (distributed = true) AS SELECT range AS i, 'x' || range AS s FROM dh.range(5000000000)",
    "update": "UPDATE dh.d SET s = (SELECT max(a.i * b.i % 7 + c.i + e.i + d.i) FROM dh.d a, dh.d b, dh.d c, dh.d e)::VARCHAR",
    "delete": "DELETE FROM dh.d WHERE EXISTS (FROM dh.d a, dh.d b, dh.d c, dh.d e WHERE a.i + b.i + c.i + e.i = -d.i - 1)",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_interrupt_leaves_nothing(storage: Storage, client: duckdb.DuckDBPyConnection, name: str) -> None:
    before = state(client)
    for transaction in (False, True):
        if transaction:
            client.execute("BEGIN")
            client.execute("INSERT INTO dh.d VALUES (5000, 'first')")
        timer = threading.Timer(1, client.interrupt)
        timer.start()
        begun = time.monotonic()
        with pytest.raises(duckdb.InterruptException):
            client.execute(ENDLESS[name]).fetchall()
        assert time.monotonic() - begun < 20
        timer.join()
        if transaction:
            client.execute("ROLLBACK")
        assert state(client) == before
    client.execute("DELETE FROM dh.d WHERE i = 1")
    storage.check_list(client)


def test_a_client_that_goes_leaves_nothing(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    """Its transaction ends with its connection, and is in nobody's way then."""
    before = state(client)
    gone = storage.client()
    gone.execute("BEGIN")
    gone.execute("INSERT INTO dh.d VALUES (5000, 'first')")
    gone.execute("UPDATE dh.d SET s = 'gone' WHERE i < 10")
    with pytest.raises(duckdb.TransactionException, match="Conflict"):
        client.execute("UPDATE dh.d SET s = 'mine' WHERE i = 20")
    assert state(client) == before
    gone.close()

    def changed() -> bool:
        try:
            return client.execute("UPDATE dh.d SET s = 'mine' WHERE i = 20").fetchone() == (1,)
        except duckdb.TransactionException:
            return False

    until(changed, "the transaction of the client that has gone ends")
    counted = "SELECT count(*), count(*) FILTER (s = 'mine'), count(*) FILTER (s = 'gone') FROM dh.d"
    assert client.execute(counted).fetchone() == (3000, 1, 0)


@pytest.mark.parametrize("commit_first", [True, False])
def test_after_a_conflict_nothing_is_committed(storage: Storage, client: duckdb.DuckDBPyConnection, commit_first: bool) -> None:
    """COMMIT of a transaction that was aborted is a ROLLBACK, as in any DuckDB."""
    other = storage.client()
    client.execute("BEGIN")
    other.execute("BEGIN")
    other.execute("INSERT INTO dh.n VALUES (2)")
    client.execute("UPDATE dh.d SET s = 'mine' WHERE i = 1")
    if commit_first:
        assert other.execute("SELECT count(*) FROM dh.d").fetchone() == (3000,)
        client.execute("COMMIT")
    with pytest.raises(duckdb.TransactionException, match="Conflict"):
        other.execute("DELETE FROM dh.d WHERE i = 2")
    with pytest.raises(duckdb.TransactionException, match="(?i)please rollback"):
        other.execute("INSERT INTO dh.n VALUES (3)")
    other.execute("COMMIT")
    if not commit_first:
        client.execute("COMMIT")
    assert other.execute("SELECT count(*), count(*) FILTER (s = 'mine') FROM dh.d").fetchone() == (3000, 1)
    assert other.execute("FROM dh.n").fetchall() == [(1,)]
    other.execute("DELETE FROM dh.d WHERE i = 2")
    assert client.execute("SELECT count(*) FROM dh.d").fetchone() == (2999,)


#: Times that a change is made, with an interrupt at any moment of it or soon after
INTERRUPTS = 60
#: Rows of a table that is changed so
INTERRUPTED_ROWS = 100_000
#: What may be told of a change, and how often it has been made then
TRUE_OUTCOMES = {("made", 1), ("interrupted", 0), ("unknown", 0), ("unknown", 1)}
KINDS = pytest.mark.parametrize("options", ["", "WITH (distributed = true)"])


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def told(client: duckdb.DuckDBPyConnection, change: Callable[[], object], after_s: float) -> str:
    """What the client is told of a change that an interrupt comes to after so long, which may be too late."""
    timer = threading.Timer(after_s, client.interrupt)
    timer.start()
    try:
        change()
        return "made"
    except duckdb.Error as error:
        if "Interrupted too late" in str(error):
            return "made"
        return "unknown" if "unknown" in str(error) else "interrupted"
    finally:
        timer.cancel()
        timer.join()


def check_what_is_told(
    client: duckdb.DuckDBPyConnection,
    change: Callable[[], object],
    made: Callable[[], int],
    begin: Callable[[], object] = lambda: None,
) -> None:
    """Interrupt `change` at any moment, again and again, each time after `begin`; `made` counts how often it was made by now."""
    begin()
    took_s, chance, counts = seconds_of(change), random.Random(SEED), Counter()
    before = made()
    for _ in range(INTERRUPTS):
        begin()
        outcome = told(client, change, chance.uniform(0, 1.2 * took_s))
        if outcome != "made":
            rolled_back(client)
        now = made()
        counts[outcome, now - before] += 1
        before = now
    print(dict(counts))
    assert set(counts) <= TRUE_OUTCOMES, counts


def updates(client: duckdb.DuckDBPyConnection) -> int:
    """How often all rows of `dh.t` have been updated."""
    ((least, most),) = client.execute("SELECT min(v), max(v) FROM dh.t").fetchall()
    assert least == most, "by half"
    return most


@KINDS
def test_an_interrupted_change_has_not_been_made(storage: Storage, options: str) -> None:
    """As in a DuckDB without servers, whenever the interrupt comes; or the error says that the outcome is unknown."""
    client, other = storage.client(), storage.client()
    client.execute(f"CREATE TABLE dh.t (i INTEGER, v INTEGER) {options}")
    client.execute(f"INSERT INTO dh.t SELECT range, 0 FROM dh.range({INTERRUPTED_ROWS})")

    def change() -> None:
        client.execute("UPDATE dh.t SET v = v + 1").fetchall()

    check_what_is_told(client, change, lambda: updates(other))


@KINDS
def test_an_interrupted_load_has_not_been_made(storage: Storage, options: str) -> None:
    """The same where the client's rows travel to the server, and the interrupt may come at any part of their way."""
    client, other = storage.client(), storage.client()
    client.execute(f"CREATE TABLE here AS SELECT range::INTEGER AS i FROM range({INTERRUPTED_ROWS})")
    client.execute(f"CREATE TABLE dh.t (i INTEGER, v INTEGER) {options}")

    def change() -> None:
        client.execute("INSERT INTO dh.t SELECT i, 0 FROM here").fetchall()

    def loads() -> int:
        (rows,) = other.execute("SELECT count(*) FROM dh.t").fetchone()
        assert rows % INTERRUPTED_ROWS == 0, "by half"
        return rows // INTERRUPTED_ROWS

    check_what_is_told(client, change, loads)
    assert other.execute("SELECT count(DISTINCT i), min(i), max(i) FROM dh.t").fetchone() == (
        INTERRUPTED_ROWS,
        0,
        INTERRUPTED_ROWS - 1,
    )


@KINDS
def test_an_interrupted_delete_with_returning_has_not_been_made(storage: Storage, options: str) -> None:
    """The same of a change that returns rows: each time of other rows, and all of them arrive if it was made."""
    client, other = storage.client(), storage.client()
    slices = INTERRUPTS + 1
    client.execute(f"CREATE TABLE dh.t (i INTEGER, v INTEGER) {options}")
    client.execute(f"INSERT INTO dh.t SELECT range, 0 FROM dh.range({INTERRUPTED_ROWS})")
    returned: list[tuple] = []

    def delete(number: int) -> None:
        returned.clear()
        returned.extend(client.execute(f"DELETE FROM dh.t WHERE i % {slices} = {number} RETURNING i").fetchall())

    took_s, chance, counts = seconds_of(lambda: delete(0)), random.Random(SEED), Counter()
    left = INTERRUPTED_ROWS - len(returned)
    for number in range(1, slices):
        rows = [(i,) for i in range(number, INTERRUPTED_ROWS, slices)]
        outcome = told(client, lambda number=number: delete(number), chance.uniform(0, 1.2 * took_s))
        counted = f"SELECT count(*), count(*) FILTER (i % {slices} = {number}) FROM dh.t"
        ((there, of_slice),) = other.execute(counted).fetchall()
        assert of_slice in (0, len(rows)), "by half"
        assert left - there == len(rows) - of_slice, "other rows have gone"
        assert outcome != "made" or not returned or sorted(returned) == rows
        counts[outcome, int(of_slice == 0)] += 1
        left = there
    print(dict(counts))
    assert set(counts) <= TRUE_OUTCOMES, counts


@KINDS
def test_an_interrupted_commit_has_not_been_made(storage: Storage, options: str) -> None:
    """The same of a transaction whose COMMIT the interrupt hits; a COMMIT that was not made can be followed by ROLLBACK."""
    client, other = storage.client(), storage.client()
    client.execute(f"CREATE TABLE dh.t (i INTEGER, v INTEGER) {options}")
    client.execute(f"INSERT INTO dh.t SELECT range, 0 FROM dh.range({INTERRUPTED_ROWS})")

    def begin() -> None:
        client.execute("BEGIN")
        client.execute("UPDATE dh.t SET v = v + 1").fetchall()

    def commit() -> None:
        client.execute("COMMIT")

    check_what_is_told(client, commit, lambda: updates(other), begin)


@pytest.mark.parametrize("write", ["INSERT INTO dh.d VALUES (5000, 'x')", "UPDATE dh.d SET s = 'x' WHERE i = 1"])
@pytest.mark.parametrize(
    "drop",
    [
        "DROP TABLE dh.d",
        "CREATE OR REPLACE TABLE dh.d WITH (distributed = true) AS SELECT 1 AS i",
        "CREATE OR REPLACE TABLE dh.d (i INTEGER)",
    ],
)
def test_nothing_is_committed_to_a_table_that_has_gone(storage: Storage, client: duckdb.DuckDBPyConnection, write: str, drop: str) -> None:
    other = storage.client()
    client.execute("BEGIN")
    client.execute(write)
    other.execute(drop)
    with pytest.raises(duckdb.TransactionException, match="(?i)conflict|modify table"):
        client.execute("COMMIT")


def test_nothing_is_committed_to_a_table_whose_schema_has_gone(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    client.execute("CREATE SCHEMA dh.s")
    client.execute("CREATE TABLE dh.s.t (i INTEGER) WITH (distributed = true)")
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.s.t VALUES (1)")
    storage.client().execute("DROP SCHEMA dh.s CASCADE")
    with pytest.raises(duckdb.TransactionException, match="has been dropped by a different transaction"):
        client.execute("COMMIT")


def test_a_transaction_may_drop_what_it_has_written(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    other = storage.client()
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.d VALUES (5000, 'x')")
    client.execute("CREATE OR REPLACE TABLE dh.d WITH (distributed = true) AS SELECT 1 AS i")
    client.execute("INSERT INTO dh.d VALUES (2)")
    client.execute("COMMIT")
    other.execute("INSERT INTO dh.d VALUES (3)")
    assert client.execute("FROM dh.d ORDER BY i").fetchall() == [(1,), (2,), (3,)]


def test_a_drop_that_is_only_explained_is_no_conflict(storage: Storage, client: duckdb.DuckDBPyConnection) -> None:
    other = storage.client()
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.d VALUES (5000, 'x')")
    other.execute("EXPLAIN DROP TABLE dh.d").fetchall()
    client.execute("COMMIT")
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.d VALUES (5000, 'x')")
    other.execute("DROP TABLE dh.d")
    with pytest.raises(duckdb.TransactionException, match="has been dropped by a different transaction"):
        client.execute("COMMIT")
