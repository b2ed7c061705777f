"""Stagings that are prefixes in an object store.

An object store has neither links nor folders, so what can go wrong is less: a key that is not a name, and an object
that changes between two looks. Sealing reads each object once, from beginning to end, and keeps that copy.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from maskgate.errors import Conflict, Refused
from maskgate.gate.locations import abandon, open_filesystem, storage_errors
from maskgate.gate.model import SealedFile
from maskgate.gate.staged_names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from maskgate.gate.locations import Location

CHUNK = 1 << 20


class StagedObjects:
    """All stagings below one prefix of an object store."""

    def __init__(self, location: Location, options: Mapping[str, Any]) -> None:
        self._location = location
        self._options = options

    def create(self, staging_id: str) -> None:
        """Check that the prefix of a new staging is unused; a prefix itself need not be made.

        Raises:
            Conflict: If there is something already.
        """
        if self._found(staging_id):
            raise Conflict(f"staging {staging_id} is there already. Open another one.")

    def exists(self, staging_id: str) -> bool:
        """Whether anything has been staged."""
        return bool(self._found(staging_id))

    def write(self, staging_id: str, names: tuple[str, ...], stream: BinaryIO, at_most: int) -> SealedFile:
        """Write a new object of a staging from a stream."""
        path = "/".join(names)
        key = f"{self._prefix(staging_id)}/{path}"
        filesystem = self._filesystem()
        try:
            with storage_errors(self._location):
                if filesystem.exists(key):
                    raise _taken(path)
                # "x": the store itself refuses to replace an object that appeared meanwhile.
                target = filesystem.open(key, "xb")
                try:
                    written = _receive(target, stream, path, at_most)
                except BaseException:
                    abandon(target)
                    raise
                target.close()
        except FileExistsError:
            raise _taken(path) from None
        return written

    def names(self, staging_id: str, at_most: int) -> frozenset[str]:
        """List the objects of a staging, by what follows the prefix."""
        prefix = self._prefix(staging_id) + "/"
        found = self._found(staging_id)
        if len(found) > at_most:
            raise Refused("the staging holds more files than one may. Stage fewer, larger parts.")
        return frozenset(key.lstrip("/").removeprefix(prefix) for key in found)

    @contextmanager
    def read(self, staging_id: str, path: str) -> Iterator[BinaryIO]:
        """Open an object of a staging for reading.

        Raises:
            Refused: If it is not there.
        """
        key = f"{self._prefix(staging_id)}/{path}"
        filesystem = self._filesystem()
        with storage_errors(self._location):
            if not filesystem.exists(key):
                raise Refused(f"the staged file {shown(path)} is missing.")
            with filesystem.open(key, "rb") as opened:
                yield opened

    def delete(self, staging_id: str) -> None:
        """Remove all objects of a staging; being gone already is fine."""
        found = self._found(staging_id)
        if found:
            with storage_errors(self._location):
                self._filesystem().rm(found)

    def _prefix(self, staging_id: str) -> str:
        return f"{self._location.path}/{staging_id}"

    def _found(self, staging_id: str) -> list[str]:
        with storage_errors(self._location):
            found: list[str] = self._filesystem().find(self._prefix(staging_id))
        return found

    def _filesystem(self) -> Any:
        return open_filesystem(self._location, self._options)


def _receive(target: Any, stream: BinaryIO, path: str, at_most: int) -> SealedFile:
    hashed, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > at_most:
            raise Refused(f"{path} is larger than the {at_most} bytes that one staged file may have.")
        hashed.update(chunk)
        target.write(chunk)
    return SealedFile(path=path, size=size, sha256=hashed.hexdigest())


def _taken(path: str) -> Conflict:
    return Conflict(f"{path} is staged already, and staged files are never written over.")
