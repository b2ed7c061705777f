"""Masked files under a prefix of an object store, without a rename that one could trust.

The manifest comes last, and says which objects count. While a run is under way, objects under ``_maskgate/`` hold its
claim and its journal. The claim is made on the condition that there is none, and then the place is looked at again:
another run may have finished meanwhile. A claim outlives the process that made it; ``resume`` takes it over. That is
safe even if its maker still lives: the terms of the journal are the same, so that both write the same bytes, until one
of them finds a page that it has not written.

A single object has no claim: it is stored on the condition that there is none, so that of two runs the first to finish
wins. An upload in parts that a killed run has left is seen by nobody and still paid for: who finishes ends it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from maskgate.datasets.journal import Journal, in_use
from maskgate.datasets.object_store import connect, without_credentials
from maskgate.datasets.object_uploads import discard_file, end_uploads
from maskgate.datasets.storage_errors import translated
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RUN = "_maskgate"


def open_objects(target: str, *, one_file: bool, existing: bool, resume: bool) -> Objects:
    """Open a prefix, or the place of a single object.

    Raises:
        DatasetError: If something is there already, or another run has claimed it.
    """
    shown = without_credentials(target)
    filesystem, path = connect(target)
    path = path.rstrip("/")
    found = translated(shown, lambda: filesystem.find(path))
    own = f"{path}/{_RUN}/"
    is_claimed = any(f"/{_RUN}/" in f"/{name}" for name in found)
    if is_claimed and not resume:
        raise DatasetError(
            f"{shown}: another run is writing there, or was interrupted. Wait for it, go on from there with --resume, "
            "or remove what is there."
        )
    if found and not is_claimed:
        raise is_taken(shown)
    journal = None
    if not one_file and not existing:
        journal = Journal(_Notes(shown, filesystem, own), shown, takes_over=resume)
    return Objects(shown, filesystem, path, one_file, journal)


def is_taken(shown: str) -> DatasetError:
    """Return what is said of a target that is there already."""
    return DatasetError(f"{shown}: something is there already. Choose another target, or remove it first.")


@dataclass
class Objects:
    """A prefix in an object store, or a single object."""

    shown: str
    filesystem: Any
    path: str
    one_file: bool
    journal: Journal | None
    written: list[str] = field(default_factory=list)

    def create(self, name: str) -> BinaryIO:
        """Open a new object; nobody sees it before it is closed."""
        if self.journal is not None and not self.journal.is_ours:
            self.journal.claim()
        key = self.path if self.one_file else f"{self.path}/{name}"
        opened: BinaryIO = translated(self.shown, lambda: self.filesystem.open(key, "xb" if self.one_file else "wb"))
        self.written.append(key)
        return cast("BinaryIO", _OnlyObject(opened, self.written.clear)) if self.one_file else opened

    def reopen(self, name: str) -> BinaryIO:
        """Open a finished object for reading."""
        return cast("BinaryIO", self.filesystem.open(f"{self.path}/{name}", "rb"))

    def finish(self) -> None:
        """Take the journal away; the manifest is there."""
        self._remove_notes()
        self.written.clear()
        if self.journal is not None:
            end_uploads(self.filesystem, self.path)

    def abandon(self) -> None:
        """Remove what was written."""
        if self.journal is not None and not self.journal.is_ours:
            return
        finished = [] if self.journal is None else [f"{self.path}/{part.path}" for part in self.journal.parts]
        # A journal must not name what is gone, so that its pages go first, and the claim goes last.
        self._remove_notes(keep_claim=True)
        for key in dict.fromkeys([*reversed(self.written), *finished]):
            translated(self.shown, partial(self._remove, key))
        self._remove_notes()
        if self.journal is not None:
            end_uploads(self.filesystem, self.path)

    def leave(self) -> bool:
        """Leave finished parts and the journal, if there are any."""
        if self.journal is None or not self.journal.parts:
            self.abandon()
            return False
        finished = {f"{self.path}/{part.path}" for part in self.journal.parts}
        for key in self.written:
            if key not in finished:
                translated(self.shown, partial(self._remove, key))
        return True

    def _remove_notes(self, *, keep_claim: bool = False) -> None:
        if self.journal is None:
            return
        claim, *pages = sorted(translated(self.shown, lambda: self.filesystem.find(f"{self.path}/{_RUN}"))) or [""]
        # The last page first, so that what a kill leaves of a journal is still one.
        for key in [*reversed(pages), *([claim] if claim and not keep_claim else [])]:
            translated(self.shown, partial(self._remove, key))

    def _remove(self, key: str) -> None:
        if self.filesystem.exists(key):
            self.filesystem.rm_file(key)


@dataclass
class _OnlyObject:
    """An object that is stored only where none is; what somebody else has stored meanwhile is not removed."""

    file: BinaryIO
    is_not_ours: Callable[[], None]

    def write(self, data: Any) -> int:
        """Write some bytes of it."""
        return self.file.write(data)

    def flush(self) -> None:
        """Write what is waiting, as far as a store takes it."""
        self.file.flush()

    def close(self) -> None:
        """Store it."""
        try:
            self.file.close()
        except FileExistsError:
            self.is_not_ours()
            raise

    def discard(self) -> None:
        """Store nothing."""
        discard_file(self.file)


@dataclass
class _Notes:
    """A journal as numbered objects; the first one is the claim."""

    shown: str
    filesystem: Any
    prefix: str
    count: int = 0

    def read(self) -> list[dict[str, Any]]:
        """Return all entries in order."""
        return translated(self.shown, self._entries)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write the next one, on the condition that nobody else has."""
        translated(self.shown, lambda: self._append(json.dumps(entry).encode()))

    def _entries(self) -> list[dict[str, Any]]:
        self.filesystem.invalidate_cache()
        names = sorted(self.filesystem.find(self.prefix))
        self.count = len(names)
        with suppress(FileNotFoundError):
            return [json.loads(self.filesystem.cat_file(name)) for name in names]
        # Who takes them away is at work.
        raise in_use(self.shown)

    def _append(self, content: bytes) -> None:
        key = f"{self.prefix}{self.count:06}.json"
        with suppress(FileExistsError):
            self.filesystem.pipe_file(key, content, mode="create")
            if self.count == 0:
                self._check_empty(key)
            self.count += 1
            return
        raise in_use(self.shown)

    def _check_empty(self, claim: str) -> None:
        self.filesystem.invalidate_cache()
        if any(not name.startswith(self.prefix) for name in self.filesystem.find(self.prefix.removesuffix(f"{_RUN}/"))):
            self.filesystem.rm_file(claim)
            raise is_taken(self.shown)
