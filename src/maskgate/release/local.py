"""Releasing to a folder: made ready under a temporary name, published by one rename.

* Nobody sees a file before all of them are written, hashed and on the disk.
* What is there already is never written over.
* The temporary folder holds the grant and the fence in its name; a later fence removes those before it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.errors import Conflict, DatasetError, Refused
from maskgate.gate import no_follow
from maskgate.release.sealed_bytes import copy_sealed
from maskgate.release.temporary_name import fences, refuse_if_replaced, temporary_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.gate.locations import Location
    from maskgate.gate.model import SealedFile
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.sealed_bytes import Pace

_CHUNK = 1 << 20


class LocalFolder:
    """A destination that is a folder of a file system with atomic rename."""

    def __init__(self, location: Location) -> None:
        self._path = location.path

    def copy(self, order: ReleaseOrder, pace: Pace) -> None:
        """Write all files below the temporary name."""
        temporary = temporary_name(order)
        with self._root(order) as root:
            _clear(root, order)
            # Nobody else may look inside while it is being written; the version within has the usual mode.
            os.mkdir(temporary, mode=0o700, dir_fd=root)
            try:
                with no_follow.folder(root, temporary) as opened:
                    os.mkdir(order.version, dir_fd=opened)
                    with no_follow.folder(opened, order.version) as version:
                        _write_files(order, version, pace)
            except BaseException:
                no_follow.remove_tree(root, temporary)
                raise

    def commit(self, order: ReleaseOrder) -> None:
        """Rename the version into place; does nothing if it is in place."""
        if self.probe(order) == "absent":
            self._publish(order)
        self.clean(order)

    def _publish(self, order: ReleaseOrder) -> None:
        with self._root(order) as root:
            refuse_if_replaced(order, fences(order, no_follow.entries(root)))
            try:
                with no_follow.folder(root, temporary_name(order)) as opened:
                    # Onto a folder that holds anything, the rename fails; nothing is ever replaced.
                    os.rename(order.version, order.version, src_dir_fd=opened, dst_dir_fd=root)
            except FileNotFoundError:
                raise Conflict(
                    f"release {order.grant}: what fence {order.fence} had written is gone, as a later attempt removes "
                    "it. This attempt is over."
                ) from None
            os.fsync(root)

    def probe(self, order: ReleaseOrder) -> str:
        """Say whether the version is in place, by reading all of it."""
        with self._root(order) as root:
            try:
                with no_follow.folder(root, order.version) as version:
                    if _names(version) == {file.path for file in order.sealed.files} and all(
                        _is_equal(version, file) for file in order.sealed.files
                    ):
                        return "committed"
            except FileNotFoundError:
                return "absent"
            except no_follow.UnsafeFileError as error:
                raise _taken(order, f"{error}") from None
        raise _taken(order, "holds something else")

    def clean(self, order: ReleaseOrder) -> None:
        """Remove temporary folders of this grant, up to this fence."""
        with self._root(order) as root:
            for fence, name in fences(order, no_follow.entries(root)).items():
                if fence <= order.fence:
                    no_follow.remove_tree(root, name)

    def remove(self, version: str) -> None:
        """Remove a version that nothing names any more; being gone already is fine."""
        try:
            with no_follow.root_folder(self._path) as root:
                no_follow.remove_tree(root, version)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DatasetError(f"the replaced {version} cannot be removed: {error.strerror or error}.") from None

    def versions(self) -> list[str]:
        """List what is published here."""
        try:
            with no_follow.root_folder(self._path) as root:
                shown = [name for name in no_follow.entries(root) if not name.startswith(".")]
                return [name for name in shown if no_follow.is_folder(root, name)]
        except FileNotFoundError:
            return []

    @contextmanager
    def _root(self, order: ReleaseOrder) -> Iterator[int]:
        try:
            Path(self._path).mkdir(parents=True, exist_ok=True)
            with no_follow.root_folder(self._path) as root:
                yield root
        except OSError as error:
            raise DatasetError(
                f'destination "{order.destination.id}" cannot be written: {error.strerror or error}. '
                "Nothing half-written is visible there; the release can be tried again."
            ) from None


def _clear(root: int, order: ReleaseOrder) -> None:
    found = fences(order, no_follow.entries(root))
    refuse_if_replaced(order, found)
    for name in found.values():
        no_follow.remove_tree(root, name)


def _write_files(order: ReleaseOrder, version: int, pace: Pace) -> None:
    tables = sorted({file.path.split("/")[0] for file in order.sealed.files if "/" in file.path})
    for table in tables:
        os.mkdir(table, dir_fd=version)
    for file in order.sealed.files:
        *folders, name = file.path.split("/")
        with no_follow.folder(version, *folders) as inside:
            descriptor = no_follow.create(inside, name, 0o666)
            try:
                copy_sealed(order.sealed, file, partial(no_follow.write_all, descriptor), pace)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    for table in tables:
        with no_follow.folder(version, table) as inside:
            os.fsync(inside)
    os.fsync(version)


def _names(version: int) -> set[str]:
    names: set[str] = set()
    for entry in no_follow.entries(version):
        if no_follow.is_folder(version, entry):
            with no_follow.folder(version, entry) as table:
                names.update(f"{entry}/{part}" for part in no_follow.entries(table))
        else:
            names.add(entry)
    return names


def _is_equal(version: int, file: SealedFile) -> bool:
    *folders, name = file.path.split("/")
    with no_follow.folder(version, *folders) as inside:
        descriptor = no_follow.open_plain(inside, name)
    hashed = hashlib.sha256()
    with os.fdopen(descriptor, "rb", buffering=0) as opened:
        while chunk := opened.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest() == file.sha256


def _taken(order: ReleaseOrder, what: str) -> Refused:
    return Refused(
        f'destination "{order.destination.id}": {order.version} {what}. Nothing was written over; '
        "look into who can write there."
    )
