"""Where masked files wait until they are released, denied or expired.

A staging is a random, write-once place below a root that the gate's configuration names. Nothing in it is trusted:
until it is sealed, it is whatever the last writer made of it.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from maskgate.errors import Refused
from maskgate.gate.locations import parse_location
from maskgate.gate.model import SealedFile
from maskgate.gate.staged_folder import StagedFolders
from maskgate.gate.staged_names import MANIFEST, check_staging_id, check_upload_name
from maskgate.gate.staged_objects import StagedObjects
from maskgate.gate.staging_cipher import Decrypting, Encrypting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from maskgate.gate.model import StagingRoot
    from maskgate.gate.staging_cipher import StagingKey

MOST_FILES = 10_000
LARGEST_FILE = 1 << 40
LARGEST_MANIFEST = 16 << 20


class StagedFiles(Protocol):
    """What a kind of storage does for a staging root. Ids and names have been checked before."""

    def create(self, staging_id: str) -> None: ...  # noqa: D102  the verbs are those of Staging
    def exists(self, staging_id: str) -> bool: ...  # noqa: D102
    def write(self, staging_id: str, names: tuple[str, ...], stream: BinaryIO, at_most: int) -> SealedFile: ...  # noqa: D102
    def names(self, staging_id: str, at_most: int) -> frozenset[str]: ...  # noqa: D102
    def read(self, staging_id: str, path: str) -> AbstractContextManager[BinaryIO]: ...  # noqa: D102
    def delete(self, staging_id: str) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Opened:
    """Where a client puts its files.

    Attributes:
        uri: The folder or prefix, if both sides reach it; else None.
        upload: Whether files have to go up through the gate.
    """

    uri: str | None
    upload: bool


def new_staging_id() -> str:
    """Draw an id that nobody can guess."""
    return f"stg_{secrets.token_hex(16)}"


class Staging:
    """The stagings of one root.

    Args:
        root: Where they lie.
        key: The key of the staging that is read or written, where the root encrypts.
    """

    def __init__(self, root: StagingRoot, key: StagingKey | None = None) -> None:
        self.root = root
        self._key = key
        self._location = parse_location(root.uri)
        self._files: StagedFiles = (
            StagedFolders(self._location.path)
            if self._location.is_local
            else StagedObjects(self._location, root.options)
        )

    def open(self, staging_id: str) -> Opened:
        """Make an empty staging.

        Raises:
            Conflict: If the id is in use.
        """
        self._files.create(check_staging_id(staging_id))
        if self.root.upload_only or self.root.encrypt is not None:
            return Opened(uri=None, upload=True)
        return Opened(uri=self._location.child(staging_id), upload=False)

    def exists(self, staging_id: str) -> bool:
        """Whether there is such a staging; in an object store, whether it has files."""
        return self._files.exists(check_staging_id(staging_id))

    def put(self, staging_id: str, path: str, stream: BinaryIO) -> SealedFile:
        """Write one new file from a stream, hashing it on the way.

        Returns:
            Path, size and SHA-256 of what was written.

        Raises:
            UsageError: If the name is not one that a staging may hold.
            Conflict: If the file is there already.
            Refused: If it is too large, or one too many.
        """
        names = check_upload_name(path)
        staged = self._files.names(check_staging_id(staging_id), MOST_FILES)
        if len(staged) >= MOST_FILES:
            raise Refused(f"a staging holds at most {MOST_FILES} files. Stage fewer, larger parts.")
        at_most = LARGEST_MANIFEST if names[-1] == MANIFEST else LARGEST_FILE
        key = self._key_of(staging_id)
        if key is None:
            return self._files.write(staging_id, names, stream, at_most)
        encrypting = Encrypting(stream, key, path, at_most)
        self._files.write(staging_id, names, cast("BinaryIO", encrypting), 2 * at_most)
        return SealedFile(path, encrypting.size, encrypting.sha256)

    def names(self, staging_id: str) -> frozenset[str]:
        """List the staged files; the manifest is one of them.

        Raises:
            Refused: If anything but plain files is there, or more than `MOST_FILES`.
        """
        return self._files.names(check_staging_id(staging_id), MOST_FILES)

    @contextmanager
    def read(self, staging_id: str, path: str) -> Iterator[BinaryIO]:
        """Open a staged file for one reading from beginning to end."""
        key = self._key_of(check_staging_id(staging_id))
        with self._files.read(staging_id, path) as stream:
            yield stream if key is None else cast("BinaryIO", Decrypting(stream, key, path))

    def key_of(self, staging_id: str) -> StagingKey | None:
        """Return the key of a staging; None if its root does not encrypt.

        Raises:
            Refused: If it was opened when its root was encrypted otherwise, or its key was erased.
        """
        return self._key_of(check_staging_id(staging_id))

    def delete(self, staging_id: str) -> None:
        """Remove a staging and all that is in it; being gone already is fine."""
        self._files.delete(check_staging_id(staging_id))

    def _key_of(self, staging_id: str) -> StagingKey | None:
        if self.root.encrypt is None and self._key is None:
            return None
        if self.root.encrypt is None or self._key is None or self._key.staging != staging_id:
            raise Refused(
                f"staging {staging_id} was opened when its root was encrypted otherwise, or its key was erased. "
                "Stage the data again."
            )
        return self._key
