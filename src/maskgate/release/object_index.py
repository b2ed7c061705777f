"""The index of an object store: one object, replaced on the condition that it is the one that was seen.

The condition is the store's own: ``If-Match`` on S3 and Azure, ``ifGenerationMatch`` on Google. A store that does not
know it takes no part in the modes ``replace`` and ``append``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from maskgate.errors import DatasetError, UsageError
from maskgate.gate.locations import open_filesystem, storage_errors
from maskgate.release.index import INDEX, Index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.locations import Location
    from maskgate.gate.releaser import ReleaseOrder

_LOOKS = 100
_ABSENT = ""
_IN_MEMORY = threading.Lock()


class ObjectIndex:
    """Keeps the index of a destination that is a prefix in an object store."""

    def __init__(self, location: Location, options: Mapping[str, Any], mode: str) -> None:
        self._location = location
        self._options = options
        self._mode = mode
        self._key = f"{location.path}/{INDEX}"
        self._replace = _conditional(location.protocol)

    def read(self, order: ReleaseOrder) -> tuple[Index, object]:
        """Return the index; what was seen is the store's own tag of it."""
        filesystem = open_filesystem(self._location, self._options)
        for _ in range(_LOOKS):
            before = self._tag(filesystem)
            if before == _ABSENT:
                return Index(self._mode), _ABSENT
            with storage_errors(self._location):
                text = filesystem.cat_file(self._key)
            if self._tag(filesystem) == before:
                return Index.read(text, self._mode, order.destination.id), before
        raise DatasetError(f'destination "{order.destination.id}" changes faster than it can be read.')

    def write(self, order: ReleaseOrder, index: Index, seen: object) -> bool:  # noqa: ARG002  the protocol's signature
        """Replace the index, if it is the one that was seen."""
        filesystem = open_filesystem(self._location, self._options)
        try:
            with storage_errors(self._location):
                if seen == _ABSENT:
                    filesystem.pipe_file(self._key, index.as_bytes(), mode="create")
                else:
                    self._replace(filesystem, self._key, index.as_bytes(), str(seen))
        except FileExistsError:
            return False
        return True

    def show(self, order: ReleaseOrder, index: Index) -> None:
        """Do nothing: readers go by the index itself."""

    def _tag(self, filesystem: Any) -> str:
        with storage_errors(self._location):
            try:
                # A fresh look: the tag of a moment ago is what the condition is about.
                filesystem.invalidate_cache()
                info = filesystem.info(self._key)
            except FileNotFoundError:
                return _ABSENT
        tag = info.get("generation") or info.get("ETag") or info.get("etag") or info.get("created")
        if not tag:
            raise UsageError(f"{self._location.uri}: this store does not tag its objects. Use the mode new_version.")
        return str(tag)


def _conditional(protocol: str) -> Callable[[Any, str, bytes, str], None]:
    known = {"s3": _on_s3, "gs": _on_google, "az": _on_azure, "abfs": _on_azure, "memory": _in_memory}
    return known[protocol]


def _on_s3(filesystem: Any, key: str, text: bytes, tag: str) -> None:
    filesystem.pipe_file(key, text, IfMatch=tag)


def _on_google(filesystem: Any, key: str, text: bytes, tag: str) -> None:
    bucket, _, name = key.partition("/")
    filesystem.call(
        "POST",
        f"{filesystem._location}/upload/storage/v1/b/{quote(bucket)}/o",  # noqa: SLF001  gcsfs has no verb for it
        uploadType="media",
        name=name,
        ifGenerationMatch=tag,
        data=text,
        headers={"Content-Type": "application/json"},
        json_out=True,
    )


def _on_azure(filesystem: Any, key: str, text: bytes, tag: str) -> None:
    from azure.core import MatchConditions  # noqa: PLC0415  who has no such store has no such library

    filesystem.pipe_file(key, text, overwrite=True, etag=tag, match_condition=MatchConditions.IfNotModified)


def _in_memory(filesystem: Any, key: str, text: bytes, tag: str) -> None:
    with _IN_MEMORY:
        if str(filesystem.info(key).get("created")) != tag:
            raise FileExistsError(key)
        filesystem.pipe_file(key, text)
