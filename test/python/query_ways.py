"""The ways a query can run: here, on a server, with the optimizer off, with tables in several places; and their answers."""

import contextlib
import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import duckdb
from answers import Answer, answer_of
from conftest import Duckling, extension_path
from query_tables import Table
from random_queries import Statement

HERE, TEMPORARY, SERVER, NEAR, OVER = "memory", "temp", "dh", "near", "memory.over"
#: Tables are in all of these, as they are; in `OVER` as views of the client on the server's.
PLACES = (HERE, TEMPORARY, SERVER, NEAR)
SLOW_S = 20
TIME_ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.load_extension(str(extension_path()))
    return connection


class Bench:
    """A DuckDB with a server in its process (`near`) and one of its own (`dh`), another without, and the same tables everywhere."""

    #: Whether the last digits of a DOUBLE may differ
    rounded = False
    #: Whether tasks read rows in any order, and find their errors so
    reads_in_parts = False

    def __init__(self, tables: dict[str, Table], seed: int) -> None:
        self.tables = tables
        #: What a test is told beside the answers
        self.counts: Counter[str] = Counter()
        self.server = Duckling()
        self.connection = connect()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            near_port = probe.getsockname()[1]
        self.connection.execute(f"SELECT duckherder_start_local_server({near_port})")
        for name, port in ((SERVER, self.server.port), (NEAR, near_port)):
            self.connection.execute(f"ATTACH 'duckherder://localhost:{port}' AS {name}")
        self.alone = duckdb.connect()
        for connection in (self.alone, self.connection):
            connection.execute(f"SET TimeZone = '{TIME_ZONES[seed % len(TIME_ZONES)]}'")
        try:
            self.make_tables()
        except BaseException:
            self.close()
            raise

    def make_tables(self) -> None:
        self.connection.execute("CREATE SCHEMA over")
        for table in self.tables.values():
            for place in PLACES:
                for sql in table.definition:
                    if place == HERE:
                        self.alone.execute(at(sql, lambda _: HERE))
                    if place == TEMPORARY:
                        sql = sql.replace("CREATE OR REPLACE", "CREATE OR REPLACE TEMP")
                    self.connection.execute(at(sql, lambda _, place=place: place))
            if not table.call:
                self.connection.execute(f"CREATE VIEW {OVER}.{table.name} AS FROM {SERVER}.{table.name}")

    def close(self) -> None:
        self.connection.close()
        # It belongs to the process, and `connection` may have died of a query
        with connect() as stopper:
            stopper.execute("SELECT duckherder_stop_local_server()")
        self.alone.close()
        self.server.kill()

    def here(self, statement: Statement, *before: str) -> Answer:
        """The answer of a DuckDB that knows of no server."""
        return answer(self.alone, at(statement.sql, lambda _: HERE), statement.parameters, *before)

    def there(self, sql: str, statement: Statement, *before: str) -> Answer:
        return answer(self.connection, sql, statement.parameters, *before)

    def ways(self, statement: Statement, rng: random.Random) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Each way by name, with the SQL and what is run before it."""
        there = at(statement.sql, lambda _: SERVER)
        yield "on the server", there, ()
        yield "on the server, optimizer off", there, (OPTIMIZER_OFF,)
        yield "here and there", mixed(statement.sql, rng, self.tables), ()
        more = rng.randrange(12)
        if more == 0:
            yield "in a transaction", at(statement.sql, lambda _: NEAR), (BEGIN,)
        elif more == 1:
            yield "here and there in a transaction", mixed(statement.sql, rng, self.tables), (BEGIN,)
        elif more == 2:
            yield "by the default catalog", re.sub(r"«(\w+)»", r"\1", statement.sql), (f"USE {SERVER}",)
        elif more == 3:
            yield "here, beside servers", at(statement.sql, lambda _: HERE), ()
        elif more == 4:
            yield "here and there, optimizer off", mixed(statement.sql, rng, self.tables), (OPTIMIZER_OFF,)


BEGIN, OPTIMIZER_OFF = "BEGIN", "PRAGMA disable_optimizer"
NO_BROADCASTS, TWO_TASKS = "SET duckherder_broadcast_limit = 0", "SET duckherder_tasks_per_worker = 2"
#: What undoes each statement that may be run before another.
UNDONE = {
    BEGIN: "ROLLBACK",
    OPTIMIZER_OFF: "PRAGMA enable_optimizer",
    f"USE {SERVER}": f"USE {HERE}",
    NO_BROADCASTS: "RESET duckherder_broadcast_limit",
    TWO_TASKS: "RESET duckherder_tasks_per_worker",
}


def answer(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list, *before: str) -> Answer:
    """Run a statement after others, which are undone: a transaction, the optimizer, the default catalog."""
    timer = threading.Timer(SLOW_S, connection.interrupt)
    timer.start()
    try:
        for statement in before:
            connection.execute(statement)
        return answer_of(connection, sql, parameters)
    finally:
        timer.cancel()
        with contextlib.suppress(duckdb.FatalException):
            for statement in before:
                connection.execute(UNDONE[statement])


def at(sql: str, place: Callable[[str], str]) -> str:
    """The SQL with each table where `place` says that it is."""
    sql = re.sub(r"«(\w+):index»", r"\1_index", sql)
    return re.sub(r"«(\w+)»", lambda found: f"{place(found[1])}.{found[1]}", sql)


def mixed(sql: str, rng: random.Random, tables: dict[str, Table]) -> str:
    """The SQL with some tables here and some on servers; a table alone is read from a server, beside a local one."""
    places: dict[str, str] = {}

    def place(name: str) -> str:
        if name not in places:
            remote = (SERVER, NEAR) if tables[name].call else (SERVER, SERVER, NEAR, OVER)
            here = not any(other in (HERE, TEMPORARY) for other in places.values())
            places[name] = rng.choice((HERE, TEMPORARY) if places and here and rng.random() < 0.8 else (HERE, TEMPORARY, *remote))
        return places[name]

    return at(sql, place)
