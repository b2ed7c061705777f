"""Masked files under a prefix of an object store, without a rename that one could trust.

The manifest comes last, and says which objects count. While a run is under way, objects under ``_maskgate/`` hold its
claim and its journal. The claim is made on the condition that there is none, and then the place is looked at again:
another run may have finished meanwhile. A claim outlives the process that made it; ``resume`` takes it over, and writes
a page that says so. That is safe even if its maker still lives: a run looks before each object, and who finds a page
that it has not written, or a manifest, has lost, writes no more, and takes nothing away. What both may have written in
between is the same, where the journal has terms.

A single object has no claim: it is stored on the condition that there is none, so that of two runs the first to finish
wins. Nothing is kept of one that was interrupted, and ``resume`` begins it anew. An upload in parts that a killed run
has left is seen by nobody and still paid for: who finishes ends it; that of a single object, who resumes.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast

from maskgate.datasets.finished_target import FinishedTarget
from maskgate.datasets.journal import Journal, damaged, in_use
from maskgate.datasets.listed_files import RUN
from maskgate.datasets.manifest import NAME
from maskgate.datasets.object_store import connect, without_credentials
from maskgate.datasets.object_uploads import Upload, end_uploads, to_its_end
from maskgate.datasets.storage_errors import translated
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def open_objects(target: str, *, one_file: bool, existing: bool, resume: bool) -> Objects | FinishedTarget:
    """Open a prefix, or the place of a single object, or hold what is there to what a resumed run gives.

    Raises:
        DatasetError: If something is there already, or another run has claimed it.
    """
    shown = without_credentials(target)
    filesystem, path = connect(target)
    path = path.rstrip("/")
    found = translated(shown, lambda: filesystem.find(path))
    own = f"{path}/{RUN}/"
    is_claimed = any(f"/{RUN}/" in f"/{name}" for name in found)
    if is_claimed and not resume:
        raise DatasetError(
            f"{shown}: another run is writing there, or was interrupted. Wait for it, go on from there with --resume, "
            "or remove what is there."
        )
    # Of a run that was killed right behind its commit, the manifest and some notes are there.
    is_finished = bool(found) and (not is_claimed or f"{path}/{NAME}" in found)
    if is_finished and resume and one_file == (found == [path]):
        left = [name for name in found if name.startswith(own)]
        return _finished(shown, filesystem, path, sorted(set(found) - set(left)), left)
    if is_finished:
        raise is_taken(shown)
    if one_file or existing:
        return Objects(shown, filesystem, path, one_file, None, resumes=resume)
    notes = _Notes(shown, filesystem, own)
    return Objects(shown, filesystem, path, one_file, Journal(notes, shown, takes_over=resume), notes)


def _finished(shown: str, filesystem: Any, path: str, files: list[str], notes: list[str]) -> FinishedTarget:
    def opened(name: str) -> BinaryIO:
        return cast("BinaryIO", filesystem.open(f"{path}/{name}" if name else path, "rb"))

    def tidy() -> None:
        for key in sorted(notes, reverse=True):
            with suppress(FileNotFoundError):
                filesystem.rm_file(key)

    names = frozenset(name.removeprefix(path).removeprefix("/") for name in files)
    return FinishedTarget(shown, names, opened, lambda: translated(shown, tidy))


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
    notes: _Notes | None = None
    written: list[str] = field(default_factory=list)
    resumes: bool = False

    def create(self, name: str) -> BinaryIO:
        """Open a new object; nobody sees it before it is closed."""
        self._hold_place()
        if not self.one_file:
            key = f"{self.path}/{name}"
            self.written.append(key)
            return cast("BinaryIO", Upload(self._opened(key, "wb")))
        upload = Upload(self._opened(self.path, "xb"), self.written.clear)
        # Not before it is open: an object that was there already is somebody else's, and not taken away.
        self.written.append(self.path)
        return cast("BinaryIO", upload)

    def reopen(self, name: str) -> BinaryIO:
        """Open a finished object for reading."""
        return cast("BinaryIO", self.filesystem.open(f"{self.path}/{name}", "rb"))

    def finish(self) -> None:
        """Take the journal away; the manifest is there."""
        self._remove_notes()
        self.written.clear()
        if self.journal is not None or self.resumes:
            end_uploads(self.filesystem, self.path, one_file=self.one_file)

    def abandon(self) -> None:
        """Remove what was written, unless it belongs to another run by now."""
        if self._is_finished():
            self._remove_notes()
            return
        if not self._is_ours():
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
        if self.journal is None or not self.journal.parts or self._is_finished() or not self._is_ours():
            self.abandon()
            return False
        finished = {f"{self.path}/{part.path}" for part in self.journal.parts}
        for key in self.written:
            if key not in finished:
                translated(self.shown, partial(self._remove, key))
        return True

    def _hold_place(self) -> None:
        """Claim the place, or make sure that it is still this run's."""
        if self.journal is None or self.notes is None:
            return
        if not self.journal.is_ours:
            self.journal.claim()
        elif self._is_finished():
            raise is_taken(self.shown)
        elif self.notes.is_overtaken():
            raise in_use(self.shown)

    def _opened(self, key: str, mode: str) -> BinaryIO:
        opened: BinaryIO = translated(self.shown, lambda: self.filesystem.open(key, mode))
        return opened

    def _is_ours(self) -> bool:
        """Say whether what was written may be taken away."""
        if self.journal is None or self.notes is None:
            return True
        return (self.journal.is_ours or self.notes.is_claimed) and not self.notes.is_overtaken()

    def _is_finished(self) -> bool:
        """Say whether all is there, be it another run's."""
        if self.journal is None:
            return False
        return translated(self.shown, lambda: _is_there_now(self.filesystem, f"{self.path}/{NAME}"))

    def _remove_notes(self, *, keep_claim: bool = False) -> None:
        if self.journal is None:
            return
        claim, *pages = sorted(translated(self.shown, lambda: self.filesystem.find(f"{self.path}/{RUN}"))) or [""]
        # The last page first, so that what a kill leaves of a journal is still one.
        for key in [*reversed(pages), *([claim] if claim and not keep_claim else [])]:
            translated(self.shown, partial(self._remove, key))

    def _remove(self, key: str) -> None:
        if self.filesystem.exists(key):
            with suppress(FileNotFoundError):
                self.filesystem.rm_file(key)


@dataclass
class _Notes:
    """A journal as numbered objects; the first one is the claim.

    Attributes:
        count: How many there are, as far as this run knows.
        is_claimed: Whether the first one is this run's.
        is_lost: Whether this run has found one of another run where it was to write.
    """

    shown: str
    filesystem: Any
    prefix: str
    count: int = 0
    is_claimed: bool = False
    is_lost: bool = False
    anew: ClassVar[str] = "Remove what is there, and mask it anew."

    def read(self) -> list[dict[str, Any]]:
        """Return all entries in order."""
        return translated(self.shown, self._entries)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write the next one, on the condition that nobody else has."""
        translated(self.shown, lambda: to_its_end(lambda: self._append(json.dumps(entry).encode())))

    def is_overtaken(self) -> bool:
        """Say whether another run has written one that was this run's turn, be it that this run has yet to find it."""
        return self.is_lost or translated(self.shown, lambda: _is_there_now(self.filesystem, self._next))

    @property
    def _next(self) -> str:
        return f"{self.prefix}{self.count:06}.json"

    def _entries(self) -> list[dict[str, Any]]:
        self.filesystem.invalidate_cache()
        names = sorted(self.filesystem.find(self.prefix))
        self.count = len(names)
        with suppress(FileNotFoundError), self._undamaged():
            return [json.loads(self.filesystem.cat_file(name)) for name in names]
        # Who takes them away is at work.
        raise in_use(self.shown)

    @contextmanager
    def _undamaged(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, RecursionError):
            raise damaged(self.shown, self.anew) from None

    def _append(self, content: bytes) -> None:
        with suppress(FileExistsError):
            self.filesystem.pipe_file(self._next, content, mode="create")
            if self.count == 0:
                self._check_empty(self._next)
                self.is_claimed = True
            self.count += 1
            return
        self.is_lost = True
        raise in_use(self.shown)

    def _check_empty(self, claim: str) -> None:
        self.filesystem.invalidate_cache()
        if any(not name.startswith(self.prefix) for name in self.filesystem.find(self.prefix.removesuffix(f"{RUN}/"))):
            self.filesystem.rm_file(claim)
            raise is_taken(self.shown)


def _is_there_now(filesystem: Any, key: str) -> bool:
    """Say whether an object is there, whatever this process has found before."""
    filesystem.invalidate_cache()
    return bool(filesystem.exists(key))
