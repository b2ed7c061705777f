"""A real S3 API on loopback, so that object stores are tested and not imagined."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maskgate.gate.locations import Location, open_filesystem

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Bucket:
    """A bucket, and the storage options that lead to it."""

    name: str
    options: dict[str, Any] = field(repr=False)

    @property
    def filesystem(self) -> Any:
        """The store, seen directly."""
        return open_filesystem(Location("s3", self.name), self.options)

    def names(self, prefix: str = "") -> list[str]:
        """Return the key of every object below a prefix, without the bucket."""
        found = self.filesystem.find(f"{self.name}/{prefix}".rstrip("/"))
        return [key.removeprefix(f"{self.name}/") for key in found]

    def read(self, key: str) -> bytes | None:
        """Return one object; None if it is not there."""
        try:
            content: bytes = self.filesystem.cat_file(f"{self.name}/{key}")
        except FileNotFoundError:
            return None
        return content

    def files(self, prefix: str = "") -> dict[str, bytes]:
        """Return every object below a prefix, by its key without the bucket."""
        filesystem = self.filesystem
        return {key: filesystem.cat_file(f"{self.name}/{key}") for key in self.names(prefix)}


@contextmanager
def object_store() -> Iterator[str]:
    """Run moto's S3 server on a free port, and give its address."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  only the server's tests have moto

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint: str) -> Bucket:
    """Make an empty bucket of its own."""
    options = {"key": "test", "secret": "test", "endpoint_url": endpoint}
    bucket = Bucket(f"bucket-{secrets.token_hex(6)}", options)
    bucket.filesystem.mkdir(bucket.name)
    return bucket
