"""Servers with a storage for distributed tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from waiting import until

if TYPE_CHECKING:
    from conftest import Duckling


class Storage:
    """A server with a storage, that can end and start again, its workers, and clients of it."""

    def __init__(self, start: Callable[..., Duckling], connect: Callable, folder: Path, url: str | None = None) -> None:
        """The storage is a folder, or on an object store at `url`."""
        self.start, self.connect = start, connect
        self.folder = folder / "storage"
        root = url or str(self.folder)
        self.arguments = ("--database", str(folder / "sales.duckdb"), "--storage", root, "--table-care-interval", "0s")
        self.workers: dict[str, Duckling] = {}
        self.begin()

    def begin(self, *more: str, listen: str = "127.0.0.1:0", environment: Mapping[str, str] | None = None) -> None:
        self.server = self.start("--listen", listen, *self.arguments, *more, environment=environment)

    def work(self, name: str, *more: str) -> None:
        """Start a worker, also in the place of one of this name that has ended."""
        driver = f"127.0.0.1:{self.server.port}"
        command = ("--listen", "127.0.0.1:0", "--join", driver, "--worker-id", name, "--threads", "1", *more)
        self.workers[name] = self.start(*command)

    def work_with(self, count: int, client: duckdb.DuckDBPyConnection) -> None:
        """Start so many workers, and wait until all answer."""
        for number in range(count):
            self.work(f"w{number}")
        self.wait_for_workers(client)

    def wait_for_workers(self, client: duckdb.DuckDBPyConnection) -> None:
        counted = "SELECT duckherder_get_worker_count()"
        until(lambda: client.execute(counted).fetchone() == (len(self.workers),), f"{len(self.workers)} workers answer")

    def client(self) -> duckdb.DuckDBPyConnection:
        connection = self.connect()
        connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {self.server.port})")
        return connection

    def files(self) -> set[Path]:
        return set(self.folder.rglob("*.parquet"))

    def check_list(self, client: duckdb.DuckDBPyConnection) -> None:
        """Every file that is listed is there as it was written, and has the rows that the list says."""
        listed = client.execute("SELECT path, row_count, file_size_bytes, checksum FROM dh.duckherder.files").fetchall()
        assert len({path for path, *_ in listed}) == len(listed), "a file is listed twice"
        for path, row_count, size, checksum in listed:
            content = (self.folder / path).read_bytes()
            assert (len(content), hashlib.md5(content).hexdigest()) == (size, checksum), path
            counted = client.execute(f"SELECT count(*) FROM read_parquet('{self.folder / path}')").fetchone()
            assert counted == (row_count,), path
