"""Releasing to an object store: a fresh prefix, published by one last object, the manifest.

An object store cannot rename a folder. So objects are written where they will stay, and a reader goes by
``manifest.json``: without it there is no version.

* The manifest comes last, on the condition that there is none: ``If-None-Match: *`` on S3 and Azure,
  ``ifGenerationMatch=0`` on Google. A store that ignores the condition is still looked at just before.
* An object is never written over; one that is there is either equal, or a leftover that is removed first.
* A marker with grant and fence in its name lies beside the prefix while a release is under way; a releaser that finds
  a later one stops. The gate's compare-and-set comes first; the marker is the second lock.
* A killed multipart upload is invisible, but takes space until the bucket's lifecycle rule removes it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from maskgate.errors import Conflict, Refused
from maskgate.gate.locations import abandon, open_filesystem, storage_errors
from maskgate.gate.staged_names import MANIFEST
from maskgate.release.sealed_bytes import Pace, copy_sealed
from maskgate.release.temporary_name import fences, refuse_if_replaced, temporary_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.locations import Location
    from maskgate.gate.model import SealedFile
    from maskgate.gate.releaser import ReleaseOrder

_CHUNK = 1 << 20


class ObjectPrefix:
    """A destination that is a prefix in an object store."""

    def __init__(self, location: Location, options: Mapping[str, Any]) -> None:
        self._location = location
        self._options = options

    def copy(self, order: ReleaseOrder, pace: Pace) -> None:
        """Write all objects but the manifest, which publishes them."""
        filesystem = self._filesystem()
        prefix = self._prefix(order)
        found = self._markers(filesystem, order)
        refuse_if_replaced(order, found)
        if self.probe(order) == "committed":
            return
        with self._errors():
            filesystem.pipe_file(f"{self._location.path}/{temporary_name(order)}", order.version.encode())
        self._remove_objects(filesystem, prefix)
        for fence, marker in found.items():
            if fence < order.fence:
                self._remove(filesystem, f"{self._location.path}/{marker}")
        for file in order.sealed.files:
            if file.path != MANIFEST:
                self._write(filesystem, f"{prefix}/{file.path}", order, file, pace)

    def commit(self, order: ReleaseOrder) -> None:
        """Write the manifest, unless there is one; does nothing if it is this one."""
        if self.probe(order) == "absent":
            self._publish(order)
        self.clean(order)

    def _publish(self, order: ReleaseOrder) -> None:
        filesystem = self._filesystem()
        found = self._markers(filesystem, order)
        refuse_if_replaced(order, found)
        if order.fence not in found:
            raise Conflict(f"release {order.grant}: fence {order.fence} has copied nothing. This attempt is over.")
        self._check_sizes(filesystem, order)
        manifest = next(file for file in order.sealed.files if file.path == MANIFEST)
        text = bytearray()
        copy_sealed(order.sealed, manifest, text.extend, Pace(None, _untold, manifest.size))
        try:
            with self._errors():
                filesystem.pipe_file(f"{self._prefix(order)}/{MANIFEST}", bytes(text), mode="create")
        except FileExistsError:
            if self.probe(order) != "committed":
                raise _taken(order) from None

    def probe(self, order: ReleaseOrder) -> str:
        """Say whether the version is published, by its manifest and the sizes of what that names."""
        filesystem = self._filesystem()
        manifest = next(file for file in order.sealed.files if file.path == MANIFEST)
        key = f"{self._prefix(order)}/{MANIFEST}"
        if not self._exists(filesystem, key):
            return "absent"
        if self._sha256(filesystem, key) != manifest.sha256:
            raise _taken(order)
        self._check_sizes(filesystem, order)
        return "committed"

    def clean(self, order: ReleaseOrder) -> None:
        """Remove markers of this grant up to this fence, and objects that were not published."""
        filesystem = self._filesystem()
        found = self._markers(filesystem, order)
        # Without a marker of this grant, what is there may be somebody else's.
        is_latest = bool(found) and max(found) <= order.fence
        if is_latest and not self._exists(filesystem, f"{self._prefix(order)}/{MANIFEST}"):
            self._remove_objects(filesystem, self._prefix(order))
        for fence, marker in found.items():
            if fence <= order.fence:
                self._remove(filesystem, f"{self._location.path}/{marker}")

    def announce(self, order: ReleaseOrder) -> None:
        """Lay the marker of a release that somebody else will fill."""
        filesystem = self._filesystem()
        refuse_if_replaced(order, self._markers(filesystem, order))
        with self._errors():
            filesystem.pipe_file(f"{self._location.path}/{temporary_name(order)}", order.version.encode())

    def hash_of(self, order: ReleaseOrder, path: str) -> str:
        """Read an object of a version, and hash it."""
        return self._sha256(self._filesystem(), f"{self._prefix(order)}/{path}")

    def remove(self, version: str) -> None:
        """Remove a version that nothing names any more, its manifest first; being gone already is fine."""
        filesystem = self._filesystem()
        key = f"{self._location.path}/{version}/{MANIFEST}"
        if self._exists(filesystem, key):
            self._remove(filesystem, key)
        self._remove_objects(filesystem, f"{self._location.path}/{version}")

    def versions(self) -> list[str]:
        """List what is published here, or about to be."""
        filesystem = self._filesystem()
        with self._errors():
            try:
                found = filesystem.ls(self._location.path, detail=False)
            except FileNotFoundError:
                return []
        names = sorted({key.rstrip("/").rsplit("/", 1)[-1] for key in found})
        return [name for name in names if not name.startswith(".")]

    def _write(self, filesystem: Any, key: str, order: ReleaseOrder, file: SealedFile, pace: Pace) -> None:
        try:
            # "x": what a releaser thought dead still writes is not replaced, but compared.
            with self._errors():
                target = filesystem.open(key, "xb")
            try:
                copy_sealed(order.sealed, file, self._writer(target), pace)
            except BaseException:
                abandon(target)
                raise
            with self._errors():
                target.close()
        except FileExistsError:
            # Some libraries refuse when the object is opened, some when it is closed.
            if self._sha256(filesystem, key) != file.sha256:
                raise _taken(order) from None

    def _writer(self, target: Any) -> Callable[[bytes], object]:
        def write(chunk: bytes) -> None:
            with self._errors():
                target.write(chunk)

        return write

    def _check_sizes(self, filesystem: Any, order: ReleaseOrder) -> None:
        prefix = f"{self._prefix(order)}/"
        with self._errors():
            found = filesystem.find(self._prefix(order), detail=True)
        # Some libraries put a slash in front of the bucket.
        sizes = {key.lstrip("/").removeprefix(prefix): details["size"] for key, details in found.items()}
        wanted = {file.path: file.size for file in order.sealed.files}
        if {**sizes, MANIFEST: wanted[MANIFEST]} != wanted:
            raise _taken(order)

    def _markers(self, filesystem: Any, order: ReleaseOrder) -> dict[int, str]:
        with self._errors():
            try:
                found = filesystem.ls(self._location.path, detail=False)
            except FileNotFoundError:
                return {}
        return fences(order, (key.rstrip("/").rsplit("/", 1)[-1] for key in found))

    def _sha256(self, filesystem: Any, key: str) -> str:
        hashed = hashlib.sha256()
        with self._errors(), filesystem.open(key, "rb") as opened:
            while chunk := opened.read(_CHUNK):
                hashed.update(chunk)
        return hashed.hexdigest()

    def _exists(self, filesystem: Any, key: str) -> bool:
        with self._errors():
            return bool(filesystem.exists(key))

    def _remove_objects(self, filesystem: Any, prefix: str) -> None:
        with self._errors():
            found = filesystem.find(prefix)
            if found:
                filesystem.rm(found)

    def _remove(self, filesystem: Any, key: str) -> None:
        with self._errors():
            filesystem.rm_file(key)

    def _prefix(self, order: ReleaseOrder) -> str:
        return f"{self._location.path}/{order.version}"

    def _filesystem(self) -> Any:
        return open_filesystem(self._location, self._options)

    def _errors(self) -> Any:
        return storage_errors(self._location)


def _untold(_done: int, _total: int) -> None:
    """The manifest is small; its progress is not worth a word."""


def _taken(order: ReleaseOrder) -> Refused:
    return Refused(
        f'destination "{order.destination.id}": {order.version} holds something else than what was signed. '
        "It was not published; look into who can write there."
    )
