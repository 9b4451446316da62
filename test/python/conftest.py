"""Fixtures: the products of `make`, a stand-alone server on a free port, the official DuckDB wheel with the extension."""

import os
import queue
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from breaking_proxy import Proxy
from storages import Storage

if TYPE_CHECKING:
    from clusters import Cluster

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASE = ROOT / "build" / "release"
#: Made by tpcds/make_tables.py, which also makes larger ones: TPC-DS, and TPC-H in a folder of its own
TPC_TABLES = Path(os.environ.get("DUCKHERDER_TPC_TABLES", ROOT / "build" / "tpcds"))
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30


class Duckling:
    """A running `duckling-server`. `port` is the one that it bound; `environment` is what it has beside the test's."""

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        command = [str(RELEASE / "duckling-server"), *(arguments or ("--listen", "127.0.0.1:0"))]
        variables = {**os.environ, **(environment or {})}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
        self._ports: queue.Queue[int] = queue.Queue()
        threading.Thread(target=self._read_stdout, daemon=True).start()
        try:
            self.port = self._ports.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            self.process.kill()
            raise TimeoutError(f"no line `listening on HOST:PORT` from {command}") from None

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> int:
        """Ask it to end (SIGTERM), wait, and return its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)

    def _read_stdout(self) -> None:
        # Reads to the end, so that the server never waits for a full pipe.
        for line in self.process.stdout:
            if found := re.search(r"listening on \S+:(\d+)", line):
                self._ports.put(int(found.group(1)))


def pytest_configure() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    products = (extension_path(), RELEASE / "duckling-server", RELEASE / "duckdb")
    missing = [str(product) for product in products if not product.is_file()]
    if missing:
        pytest.exit(f"not built: {', '.join(missing)}; run `make`", returncode=2)


def extension_path() -> Path:
    return RELEASE / "extension" / "duckherder" / "duckherder.duckdb_extension"


@pytest.fixture(scope="session")
def extension() -> Path:
    """The extension file."""
    return extension_path()


@pytest.fixture(scope="session")
def shell() -> Path:
    """Our DuckDB shell."""
    return RELEASE / "duckdb"


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def start_server() -> Iterator[Callable[..., Duckling]]:
    """Start any number of servers, each with arguments and variables of its own; all end with the test."""
    servers: list[Duckling] = []

    def start(*arguments: str, environment: Mapping[str, str] | None = None) -> Duckling:
        servers.append(Duckling(*arguments, environment=environment))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture
def server(start_server: Callable[..., Duckling]) -> Duckling:
    """A server of the test's own."""
    return start_server()


@pytest.fixture
def connect(extension: Path) -> Iterator[Callable[..., duckdb.DuckDBPyConnection]]:
    """Open DuckDBs, in memory or at a path, with the extension loaded; all close with the test."""
    connections: list[duckdb.DuckDBPyConnection] = []

    def open_database(database: str | os.PathLike = ":memory:") -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(database), config={"allow_unsigned_extensions": "true"})
        connections.append(connection)
        connection.load_extension(str(extension))
        return connection

    yield open_database
    for connection in connections:
        connection.close()


@pytest.fixture
def connection(connect: Callable[..., duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with the extension loaded and nothing attached."""
    return connect()


@pytest.fixture
def attached(connection: duckdb.DuckDBPyConnection, server: Duckling) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with `server` attached as `dh`."""
    connection.execute(f"ATTACH DATABASE 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port})")
    return connection


@pytest.fixture
def storage(
    start_server: Callable[..., Duckling], connect: Callable[..., duckdb.DuckDBPyConnection], tmp_path: Path
) -> Storage:
    """A server with a storage for distributed tables."""
    return Storage(start_server, connect, tmp_path)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator["Cluster"]:
    """A driver with workers, and files in `tmp_path` that all of them read."""
    # It starts servers by what is above
    from clusters import cluster_with_files

    result = cluster_with_files(tmp_path)
    yield result
    result.end()


@pytest.fixture
def proxy(server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def client(connect: Callable[..., duckdb.DuckDBPyConnection], proxy: Proxy) -> duckdb.DuckDBPyConnection:
    """A client that reaches the server through the proxy; `dh.t` is empty."""
    connection = connect()
    connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {proxy.port})")
    connection.execute("CREATE TABLE dh.t (i INTEGER)")
    connection.execute("FROM dh.t")
    return connection


@pytest.fixture
def witness(connect: Callable[..., duckdb.DuckDBPyConnection], server) -> duckdb.DuckDBPyConnection:
    """Another client, with a connection that does not break."""
    connection = connect()
    connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port})")
    return connection
