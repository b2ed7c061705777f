"""Stagings that are folders of a file system, such as a shared volume.

Workers write into the same folder, so what is found there is hostile: links, hard links, devices, names. Files that
come up through the gate are written under a name outside the staging and then linked in, so that a broken upload
leaves nothing behind under the staging's own names, and nothing that is there is ever replaced.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.errors import Conflict, NotFound, Refused
from maskgate.gate import no_follow
from maskgate.gate.model import SealedFile
from maskgate.gate.staged_names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

CHUNK = 1 << 20
_UPLOADS = ".uploads"
# Set-group-id: what a worker of the same group makes inside stays readable and removable for the gate.
_SHARED_FOLDER = 0o2770
_UPLOADED_FILE = 0o640


class StagedFolders:
    """All stagings below one local folder."""

    def __init__(self, path: str) -> None:
        self._path = path

    def create(self, staging_id: str) -> None:
        """Make the folder of a new staging.

        Raises:
            Conflict: If it is there already.
        """
        Path(self._path).mkdir(mode=_SHARED_FOLDER, parents=True, exist_ok=True)
        with no_follow.root_folder(self._path) as root:
            try:
                os.mkdir(staging_id, dir_fd=root)
            except FileExistsError:
                raise Conflict(f"staging {staging_id} is there already. Open another one.") from None
            # Not by mkdir's mode, which the umask would cut.
            os.chmod(staging_id, _SHARED_FOLDER, dir_fd=root)

    def exists(self, staging_id: str) -> bool:
        """Whether the staging has a folder, which is not a link."""
        try:
            with no_follow.root_folder(self._path) as root:
                return no_follow.is_folder(root, staging_id)
        except FileNotFoundError:
            return False

    def write(self, staging_id: str, names: tuple[str, ...], stream: BinaryIO, at_most: int) -> SealedFile:
        """Write a new file of a staging from a stream."""
        path = "/".join(names)
        upload = f"{staging_id}-{secrets.token_hex(8)}"
        with no_follow.root_folder(self._path) as root, self._uploads(root) as uploads:
            try:
                written = _receive(uploads, upload, stream, path, at_most)
                with self._folder(root, staging_id) as staging:
                    _link_in(uploads, upload, staging, names)
            finally:
                no_follow.remove_tree(uploads, upload)
        return written

    def names(self, staging_id: str, at_most: int) -> frozenset[str]:
        """List the files of a staging.

        Raises:
            Refused: If there is anything but plain files in plain folders, or too much of it.
        """
        try:
            with no_follow.root_folder(self._path) as root, self._folder(root, staging_id) as staging:
                return frozenset(_walk(staging, at_most))
        except OSError as error:
            raise _unreadable(f"staging {staging_id}", error) from None

    @contextmanager
    def read(self, staging_id: str, path: str) -> Iterator[BinaryIO]:
        """Open a file of a staging for reading.

        Raises:
            Refused: If it is not a plain file in plain folders.
        """
        *folders, name = path.split("/")
        try:
            with (
                no_follow.root_folder(self._path) as root,
                self._folder(root, staging_id) as staging,
                no_follow.folder(staging, *folders) as table,
            ):
                descriptor = no_follow.open_plain(table, name)
        except no_follow.UnsafeFileError as error:
            raise Refused(f"the staged file {shown(path)} {error}. Stage plain files only.") from None
        except FileNotFoundError:
            raise Refused(f"the staged file {shown(path)} is missing.") from None
        except OSError as error:
            raise _unreadable(f"the staged file {shown(path)}", error) from None
        with os.fdopen(descriptor, "rb", buffering=0) as opened:
            yield opened

    def delete(self, staging_id: str) -> None:
        """Remove a staging and unfinished uploads to it; being gone already is fine."""
        try:
            with no_follow.root_folder(self._path) as root:
                no_follow.remove_tree(root, staging_id)
                with self._uploads(root) as uploads:
                    for entry in no_follow.entries(uploads):
                        if entry.startswith(f"{staging_id}-"):
                            no_follow.remove_tree(uploads, entry)
        except FileNotFoundError:
            return

    @contextmanager
    def _folder(self, root: int, staging_id: str) -> Iterator[int]:
        with ExitStack() as opened:
            try:
                staging = opened.enter_context(no_follow.folder(root, staging_id))
            except FileNotFoundError:
                raise NotFound(f"there is no staging {staging_id}. Open one first.") from None
            except no_follow.UnsafeFileError as error:
                raise Refused(f"staging {staging_id} {error}. Open another one.") from None
            yield staging

    @contextmanager
    def _uploads(self, root: int) -> Iterator[int]:
        try:
            os.mkdir(_UPLOADS, mode=0o700, dir_fd=root)
        except FileExistsError:
            if not no_follow.is_folder(root, _UPLOADS):
                raise Refused(
                    f"the staging root's {_UPLOADS} is not a folder. The operator has to remove it."
                ) from None
        with no_follow.folder(root, _UPLOADS) as uploads:
            yield uploads


def _receive(uploads: int, upload: str, stream: BinaryIO, path: str, at_most: int) -> SealedFile:
    hashed, size = hashlib.sha256(), 0
    descriptor = no_follow.create(uploads, upload, _UPLOADED_FILE)
    try:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > at_most:
                raise Refused(f"{path} is larger than the {at_most} bytes that one staged file may have.")
            hashed.update(chunk)
            no_follow.write_all(descriptor, chunk)
        os.fchmod(descriptor, _UPLOADED_FILE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return SealedFile(path=path, size=size, sha256=hashed.hexdigest())


def _link_in(uploads: int, upload: str, staging: int, names: tuple[str, ...]) -> None:
    path = "/".join(names)
    *folders, name = names
    for table in folders:
        try:
            os.mkdir(table, dir_fd=staging)
            os.chmod(table, _SHARED_FOLDER, dir_fd=staging)
        except FileExistsError:
            continue
    try:
        with no_follow.folder(staging, *folders) as table_folder:
            os.link(upload, name, src_dir_fd=uploads, dst_dir_fd=table_folder, follow_symlinks=False)
    except FileExistsError:
        raise Conflict(f"{path} is staged already, and staged files are never written over.") from None
    except no_follow.UnsafeFileError as error:
        raise Refused(f"the staged folder of {path} {error}.") from None


def _walk(staging: int, at_most: int) -> list[str]:
    found: list[str] = []
    for entry in _entries(staging, at_most):
        if not no_follow.is_folder(staging, entry):
            found.append(_plain(staging, entry, entry))
            continue
        with no_follow.folder(staging, entry) as table:
            found.extend(_plain(table, part, f"{entry}/{part}") for part in _entries(table, at_most - len(found)))
    return found


def _unreadable(what: str, error: OSError) -> Refused:
    return Refused(
        f"{what} cannot be read: {error.strerror or 'it changed while it was read'}. "
        "Stage files that the gate's group may read, and leave them alone."
    )


def _entries(opened: int, at_most: int) -> list[str]:
    entries: list[str] = []
    with os.scandir(opened) as found:
        for entry in found:
            if len(entries) >= at_most:
                raise Refused("the staging holds more files than one may. Stage fewer, larger parts.")
            entries.append(entry.name)
    return sorted(entries)


def _plain(opened: int, name: str, path: str) -> str:
    what = no_follow.kind(opened, name)
    if what is not None:
        raise Refused(f"the staged file {shown(path)} {what}. Stage plain files only.")
    return path
