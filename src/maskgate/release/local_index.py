"""The index of a folder: a chain of generations, of which each is made once.

A folder has no compare-and-set, but a name in it can be taken by one alone. So generation 8 is a file that is linked
into place, and whoever has seen 7 and comes second finds 8 taken, looks again, and comes after it.

* The highest generation counts. ``dataset.json`` and ``current`` repeat it, for readers; whoever changed them looks
  again afterwards, so that one who was asleep in between does not leave them as they were.
* Old generations are removed, but for the last few.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.errors import DatasetError, Refused
from maskgate.gate import no_follow
from maskgate.gate.releaser import VERSIONS
from maskgate.release.index import INDEX, REPLACE, Index
from maskgate.release.temporary_name import temporary_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.gate.locations import Location
    from maskgate.gate.releaser import ReleaseOrder

CURRENT = "current"
_CHAIN = ".maskgate-index"
_GENERATION = re.compile(r"([0-9]{10})\.json")
_KEPT = 20
_LOOKS = 100
_CHUNK = 1 << 20


class LocalIndex:
    """Keeps the index of a destination that is a folder."""

    def __init__(self, location: Location, mode: str) -> None:
        self._path = location.path
        self._mode = mode

    def read(self, order: ReleaseOrder) -> tuple[Index, object]:
        """Return the highest generation; what was seen is its number."""
        with self._chain(order) as (_, chain):
            for _ in range(_LOOKS):
                number = _highest(chain)
                if number == 0:
                    return Index(self._mode), 0
                try:
                    text = _read(chain, _name(number))
                except FileNotFoundError:
                    continue  # so many came after it in the meantime that it was removed
                return Index.read(text, self._mode, order.destination.id), number
        raise DatasetError(f'destination "{order.destination.id}" changes faster than it can be read.')

    def write(self, order: ReleaseOrder, index: Index, seen: object) -> bool:
        """Link the next generation into place, unless there is one."""
        number = int(str(seen)) + 1
        temporary = f"{temporary_name(order)}.json"
        with self._chain(order) as (_, chain):
            no_follow.remove_tree(chain, temporary)
            _write(chain, temporary, index.as_bytes())
            try:
                os.link(temporary, _name(number), src_dir_fd=chain, dst_dir_fd=chain, follow_symlinks=False)
            except FileExistsError:
                return False
            finally:
                no_follow.remove_tree(chain, temporary)
            os.fsync(chain)
            if _highest(chain) >= number + _KEPT:
                # It was seen so long ago that the name had been taken, and removed since. It counts for nothing.
                no_follow.remove_tree(chain, _name(number))
                return False
            _remove_old(chain, number)
        return True

    def show(self, order: ReleaseOrder, index: Index) -> None:
        """Let ``dataset.json``, and ``current`` where one version counts, say what the highest generation says."""
        with self._chain(order) as (root, _):
            for _ in range(_LOOKS):
                self._repeat(order, root, index)
                found, _seen = self.read(order)
                if found.generation == index.generation:
                    return
                index = found

    def _repeat(self, order: ReleaseOrder, root: int, index: Index) -> None:
        temporary = f"{temporary_name(order)}.index"
        no_follow.remove_tree(root, temporary)
        _write(root, temporary, index.as_bytes())
        os.rename(temporary, INDEX, src_dir_fd=root, dst_dir_fd=root)
        if self._mode == REPLACE and index.newest is not None:
            os.symlink(f"{VERSIONS}/{index.newest}", temporary, dir_fd=root)
            try:
                os.rename(temporary, CURRENT, src_dir_fd=root, dst_dir_fd=root)
            except IsADirectoryError:
                no_follow.remove_tree(root, temporary)
                raise Refused(
                    f'destination "{order.destination.id}": {CURRENT} is a folder there, and has to be a link. '
                    "Somebody else made it; move it away."
                ) from None
        os.fsync(root)

    @contextmanager
    def _chain(self, order: ReleaseOrder) -> Iterator[tuple[int, int]]:
        try:
            Path(self._path).mkdir(parents=True, exist_ok=True)
            with no_follow.root_folder(self._path) as root:
                if _CHAIN not in no_follow.entries(root):
                    _make_folder(root, _CHAIN)
                with no_follow.folder(root, _CHAIN) as chain:
                    yield root, chain
        except OSError as error:
            raise DatasetError(
                f'destination "{order.destination.id}" cannot be written: {error.strerror or error}. '
                "What readers go by there is whole; the release can be tried again."
            ) from None


def _make_folder(parent: int, name: str) -> None:
    try:
        os.mkdir(name, mode=0o755, dir_fd=parent)
    except FileExistsError:
        return  # somebody else releases there for the first time, too


def _name(number: int) -> str:
    return f"{number:010}.json"


def _highest(chain: int) -> int:
    found = (_GENERATION.fullmatch(name) for name in no_follow.entries(chain))
    return max((int(match[1]) for match in found if match), default=0)


def _remove_old(chain: int, number: int) -> None:
    for name in no_follow.entries(chain):
        match = _GENERATION.fullmatch(name)
        if match and int(match[1]) <= number - _KEPT:
            no_follow.remove_tree(chain, name)


def _read(chain: int, name: str) -> bytes:
    # Not `open_plain`: between linking and unlinking, a generation has two names.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=chain)
    parts = []
    with os.fdopen(descriptor, "rb", buffering=0) as opened:
        while chunk := opened.read(_CHUNK):
            parts.append(chunk)
    return b"".join(parts)


def _write(parent: int, name: str, text: bytes) -> None:
    descriptor = no_follow.create(parent, name, 0o644)
    try:
        no_follow.write_all(descriptor, text)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
