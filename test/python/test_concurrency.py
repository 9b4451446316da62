"""Many clients at once: each gets its own answers, and all of them get on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
from conftest import Duckling

READERS_AND_WRITERS = 64
LOADERS = 10
ROUNDS = 10
ROWS = 200_000


@pytest.fixture
def clients(connect: Callable, server: Duckling) -> Callable[[int], list[duckdb.DuckDBPyConnection]]:
    """Clients of `server`, each a DuckDB process's worth: a database of its own."""

    def start(count: int) -> list[duckdb.DuckDBPyConnection]:
        opened = [connect() for _ in range(count)]
        for connection in opened:
            # The machine has few cores, and each client would start threads for all of them
            connection.execute("SET threads = 1")
            connection.execute(f"ATTACH 'duckherder://localhost:{server.port}' AS dh")
        return opened

    return start


def run(work: Callable[[int], object], count: int) -> list[object]:
    """Do the work of all clients at once; what each returned."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


@pytest.mark.parametrize("source", ["FROM here", "SELECT i, 'text ' || i AS text FROM dh.there", "FROM here JOIN dh.there USING (i)"])
def test_ten_clients_create_tables_at_once(clients: Callable, source: str) -> None:
    connections = clients(LOADERS)
    connections[0].execute(f"CREATE TABLE dh.there AS SELECT range AS i, range % 7 AS j FROM range({ROWS})")

    def create(number: int) -> None:
        connection = connections[number]
        connection.execute(f"CREATE TABLE here AS SELECT range AS i, 'here ' || range AS text FROM range({ROWS})")
        connection.execute(f"CREATE TABLE dh.made_{number} AS {source}")

    run(create, LOADERS)
    for number in range(LOADERS):
        counted = connections[0].execute(f"SELECT count(*), sum(i) FROM dh.made_{number}").fetchone()
        assert counted == (ROWS, ROWS * (ROWS - 1) // 2)


def test_sixty_four_clients_read_and_write(clients: Callable) -> None:
    connections = clients(READERS_AND_WRITERS)
    connections[0].execute("CREATE TABLE dh.t (client INTEGER, round INTEGER)")

    def work(number: int) -> None:
        connection = connections[number]
        for round_number in range(ROUNDS):
            connection.execute("INSERT INTO dh.t VALUES (?, ?)", [number, round_number])
            mine = "SELECT count(*) FROM dh.t WHERE client = ?"
            assert connection.execute(mine, [number]).fetchone() == (round_number + 1,)
        connection.execute("BEGIN; DELETE FROM dh.t WHERE client = $1; ROLLBACK".replace("$1", str(number)))

    run(work, READERS_AND_WRITERS)
    total, clients_seen = connections[0].execute("SELECT count(*), count(DISTINCT client) FROM dh.t").fetchone()
    assert (total, clients_seen) == (READERS_AND_WRITERS * ROUNDS, READERS_AND_WRITERS)
