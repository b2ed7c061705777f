"""A target that stands there already, and is resumed: is it what this run gives?

A run that was killed right behind its commit has left all of its result and said so to nobody. Whoever resumes it wants
to hear that all is well, and must not hear it of something else. So the run is done once more, and each byte is held to
the one that stands there. Nothing is written; the first difference ends it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeVar, cast

from maskgate.datasets.files import without_partition_values
from maskgate.datasets.manifest import NAME
from maskgate.datasets.storage_errors import reason_of
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from maskgate.datasets.journal import Journal

T = TypeVar("T")

_READ = 1 << 20


@dataclass
class FinishedTarget:
    """What stands at a target.

    Attributes:
        shown: What messages call the target.
        names: Its files, as a run calls them; one without a name, if it is a file itself.
        open: Opens one of them for reading.
        tidy: Takes away what its run may have left beside it.
        journal: None, since nothing is written.
    """

    shown: str
    names: Collection[str]
    open: Callable[[str], BinaryIO] = field(repr=False)
    tidy: Callable[[], None] = field(repr=False)
    journal: Journal | None = None
    _seen: set[str] = field(default_factory=set)

    @property
    def is_one_file(self) -> bool:
        """Whether it is a file itself."""
        return set(self.names) == {""}

    def check_made_by(self, rules_digest: str, keys: Mapping[str, int]) -> None:
        """Refuse early what was made by others, or is no result of a run at all.

        Raises:
            DatasetError: If that is so.
        """
        if self.is_one_file:
            return
        if NAME not in self.names:
            raise self._refusal("is no result of a run, since it has no manifest")
        with self.reopen(NAME) as file:
            content = self._reading(NAME, file.read)
        try:
            told = json.loads(content)
            changed = [
                shown
                for shown, is_same in (
                    ("rules", told["rules"]["digest"] == rules_digest),
                    ("versions of keys", told["keys"] == dict(keys)),
                )
                if not is_same
            ]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise self._refusal("has a manifest that no run has written") from None
        if changed:
            raise self._refusal(f"was made by other {' and '.join(changed)}")

    def create(self, name: str) -> BinaryIO:
        """Hold what will be written under a name to what stands there."""
        if self.is_one_file:
            name = ""
        elif name not in self.names:
            raise self._differs(name)
        self._seen.add(name)
        file = self.reopen(name)
        held = _Held(file, lambda size: self._reading(name, lambda: file.read(size)), self._differs(name))
        return cast("BinaryIO", held)

    def reopen(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        return self._reading(name, lambda: self.open(name))

    def finish(self) -> None:
        """Agree that this is the result, if there is nothing beside it.

        Raises:
            DatasetError: If there is.
        """
        more = set(self.names) - self._seen
        if more:
            raise self._refusal(f"has a file that this run would not write: {without_partition_values(min(more))}")
        self.tidy()

    def abandon(self) -> None:
        """Leave it as it is."""

    def leave(self) -> bool:
        """Leave it as it is; there is nothing to go on from."""
        return False

    def _reading(self, name: str, read: Callable[[], T]) -> T:
        failure = ""
        try:
            return read()
        except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
            failure = reason_of(error)
        raise DatasetError(f"{self.shown}: {name or 'it'} cannot be read: {failure}.")

    def _differs(self, name: str) -> DatasetError:
        called = f"its {name}" if name else "it"
        return self._refusal(f"is not what this run would write: {called} differs")

    def _refusal(self, why: str) -> DatasetError:
        return DatasetError(
            f"{self.shown}: it exists already, and {why}. Nothing is left to resume: choose another target, or remove "
            "it first."
        )


@dataclass
class _Held:
    """Takes the bytes of a file, and refuses the first that is not the one that stands there.

    Attributes:
        file: What stands there.
        read: Reads so many bytes of it, or fewer.
        differs: What is raised if it is another one.
        has_differed: Whether it has been.
    """

    file: BinaryIO
    read: Callable[[int], bytes]
    differs: DatasetError
    has_differed: bool = False

    def write(self, data: Any) -> int:
        """Hold some bytes to those that come next."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _READ):
            wanted = bytes(view[start : start + _READ])
            if self._next(len(wanted)) != wanted:
                self._refuse()
        return len(view)

    def flush(self) -> None:
        """Do nothing: nothing is written."""

    def close(self) -> None:
        """Make sure that nothing stands there behind it."""
        try:
            if not self.has_differed and self.read(1):
                self._refuse()
        finally:
            self.file.close()

    def discard(self) -> None:
        """Look no further."""
        self.file.close()

    def _next(self, size: int) -> bytes:
        # A store may give less at a time than it is asked for.
        read = self.read(size)
        while 0 < len(read) < size and (more := self.read(size - len(read))):
            read += more
        return read

    def _refuse(self) -> NoReturn:
        self.has_differed = True
        raise self.differs
