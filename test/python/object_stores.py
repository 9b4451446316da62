"""A server that speaks S3, in this process, and servers with their storage on it."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import duckdb
from moto.server import ThreadedMotoServer
from storages import Storage

if TYPE_CHECKING:
    from conftest import Duckling

ACCESS_KEY = "an-access-key-of-tests"
SECRET_KEY = "a-secret-key-of-tests-4711"


class ObjectStore:
    """Buckets of one S3 server."""

    def __init__(self) -> None:
        # It writes a line per request
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.endpoint = "http://{}:{}".format(*self.server.get_host_and_port())
        #: Without a region, which an endpoint does not need
        self.environment = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }
        self.client = boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name="us-east-1"
        )
        self._numbers = itertools.count()

    def new_bucket(self) -> str:
        name = f"bucket-{next(self._numbers)}"
        self.client.create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def content(self, bucket: str, key: str) -> bytes:
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def remove(self, bucket: str, key: str) -> None:
        self.client.delete_object(Bucket=bucket, Key=key)

    def upload(self, folder: Path, bucket: str) -> None:
        """All files of a folder, by their paths below it."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(bucket, str(path.relative_to(folder)), path.read_bytes())

    def stop(self) -> None:
        self.server.stop()


class ObjectStorage(Storage):
    """A server whose storage is on an object store, as are those of its workers."""

    def __init__(self, start: Callable[..., Duckling], connect: Callable, folder: Path, store: ObjectStore) -> None:
        self.store, self.bucket = store, store.new_bucket()

        def start_there(*arguments: str, environment: Mapping[str, str] | None = None) -> Duckling:
            return start(*arguments, environment={**store.environment, **(environment or {})})

        super().__init__(start_there, connect, folder, f"s3://{self.bucket}/tables")

    def keys(self) -> set[str]:
        """Of the files of tables, below the storage."""
        return {key.removeprefix("tables/") for key in self.store.keys(self.bucket) if key.endswith(".parquet")}

    def check_list(self, client: duckdb.DuckDBPyConnection) -> None:
        listed = client.execute("SELECT path, file_size_bytes, checksum FROM dh.duckherder.files").fetchall()
        assert len({path for path, *_ in listed}) == len(listed), "a file is listed twice"
        for path, size, checksum in listed:
            content = self.store.content(self.bucket, f"tables/{path}")
            assert (len(content), hashlib.md5(content).hexdigest()) == (size, checksum), path
