"""Servers with a storage for distributed tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from conftest import Duckling


class Storage:
    """A server with a storage, that can end and start again, and clients of it."""

    def __init__(self, start: Callable[..., Duckling], connect: Callable, folder: Path) -> None:
        self.start, self.connect = start, connect
        self.folder = folder / "storage"
        self.arguments = ("--database", str(folder / "sales.duckdb"), "--storage", str(self.folder))
        self.begin()

    def begin(self, *more: str) -> None:
        self.server = self.start("--listen", "127.0.0.1:0", *self.arguments, *more)

    def client(self) -> duckdb.DuckDBPyConnection:
        connection = self.connect()
        connection.execute(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {self.server.port})")
        return connection

    def files(self) -> set[Path]:
        return set(self.folder.rglob("*.parquet"))
