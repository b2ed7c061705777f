"""Characters and the digits that they stand for, over the bytes of many cells.

The alphabet's first character is the digit 0. Alphabets of ASCII are looked up byte by byte; others take the way over
code points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgate.crypto.ff1_digits import digit_type, room_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

MOST = 65_536
_FOREIGN, _KEPT = 0xFF, 0xFE
_CONTINUED = 0x80
_MOST_IN_32_BITS = 2**29
_MOST_RUNS = 32


@dataclass(frozen=True)
class Spelled:
    """Cells taken apart: the digits that they spell, and a way back.

    Attributes:
        digits: The digits of all cells, one cell behind the other, and room for a word. To be changed in place.
        counts: How many digits each cell has.
        foreign: Whether a cell has a character that is neither of the alphabet nor kept; None if none has.
        written: Returns the bytes of all cells with their digits as they now are, and the length of each.
    """

    digits: NDArray[np.uint8 | np.uint16]
    counts: NDArray[np.int64]
    foreign: NDArray[np.bool_] | None
    written: Callable[[], tuple[NDArray[np.uint8], NDArray[np.int64]]]


@dataclass(frozen=True)
class Alphabet:
    """The characters that values are made of.

    Attributes:
        characters: Two to 65,536 different ones, in the order of their digits.
        kept: Characters that may stand between them and stay where they are.

    Raises:
        ValueError: If there are too few or too many, one of them twice, or half of a surrogate pair.
    """

    characters: str
    kept: str = ""

    def __post_init__(self) -> None:
        if not 2 <= len(self.characters) <= MOST:  # noqa: PLR2004  a radix is at least two
            raise ValueError(f"an alphabet has 2 to {MOST} characters, not {len(self.characters)}")
        twice = len(self.characters) - len(set(self.characters))
        if twice:
            raise ValueError(f"an alphabet has each character once; {twice} of these come again")
        if any("\ud800" <= each <= "\udfff" for each in self.characters):
            raise ValueError("an alphabet has no surrogates; they are halves of a character")

    @property
    def radix(self) -> int:
        """How many digits there are."""
        return len(self.characters)

    def read(self, data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Spelled:
        """Take cells apart.

        Args:
            data: The UTF-8 bytes of all cells, one behind the other, and nothing else.
            lengths: Bytes of each cell.
        """
        if not self._is_ascii:
            return self._read_wide(data, lengths)
        first = self._first
        if first is not None:
            digits = room_for(len(data), np.uint8)
            np.subtract(data, first, out=digits[: len(data)])
            if digits[: len(data)].max(initial=0) < self.radix:
                return Spelled(digits, lengths, None, lambda: (digits[: len(data)] + first, lengths))
        return self._read_ascii(data, lengths)

    @cached_property
    def _is_ascii(self) -> bool:
        return self.characters.isascii() and self.kept.isascii()

    @cached_property
    def _first(self) -> np.uint8 | None:
        """The first character, if all others follow it in ASCII: digits are then a difference."""
        first = ord(self.characters[0])
        follow = all(ord(each) == first + index for index, each in enumerate(self.characters))
        return np.uint8(first) if follow else None

    @cached_property
    def _digit_of_byte(self) -> bytes:
        table = bytearray([_FOREIGN]) * 256
        for each in self.kept:
            table[ord(each)] = _KEPT
        for digit, each in enumerate(self.characters):
            table[ord(each)] = digit
        return bytes(table)

    @cached_property
    def _byte_of_digit(self) -> bytes:
        return self.characters.encode().ljust(256, b"\0")

    def _read_ascii(self, data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Spelled:
        values = np.frombuffer(data.tobytes().translate(self._digit_of_byte), np.uint8)
        is_digit = values < _KEPT
        foreign = _cells_of(np.flatnonzero(values == _FOREIGN), lengths)
        digits, counts = _only(values, is_digit, lengths, np.uint8)

        def written() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
            spelled = np.frombuffer(digits[: int(counts.sum())].tobytes().translate(self._byte_of_digit), np.uint8)
            return _among(data, is_digit, lengths, spelled), lengths

        return Spelled(digits, counts, foreign, written)

    @cached_property
    def _digit_of_code(self) -> NDArray[np.int32]:
        codes, kept = _codes(self.characters), _codes(self.kept)
        table = np.full(int(max(codes.max(), kept.max(initial=0))) + 2, -1, np.int32)
        table[kept] = -2
        table[codes] = np.arange(len(codes))
        return table

    @cached_property
    def _code_of_digit(self) -> NDArray[np.uint32]:
        return _codes(self.characters)

    def _read_wide(self, data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Spelled:
        data, lengths, broken = _decodable(data, lengths)
        codes = _codes(data.tobytes().decode())
        lengths = _sums(data & 0xC0 != _CONTINUED, lengths)
        values = np.take(self._digit_of_code, codes, mode="clip")
        is_digit = values >= 0
        foreign = _cells_of(np.flatnonzero(values == -1), lengths)
        if broken is not None:
            foreign = broken if foreign is None else foreign | broken
        digits, counts = _only(values, is_digit, lengths, digit_type(self.radix))

        def written() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
            spelled = _among(codes, is_digit, lengths, self._code_of_digit[digits[: int(counts.sum())]])
            text = spelled.astype("<u4").tobytes().decode("utf-32-le")
            return np.frombuffer(text.encode(), np.uint8), _sums(_bytes_of(spelled), lengths)

        return Spelled(digits, counts, foreign, written)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def _bytes_of(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return how many bytes each code point has in UTF-8."""
    return np.uint8(1) + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF)  # noqa: PLR2004  the ranges of UTF-8


def _sums(values: NDArray[np.bool_ | np.uint8], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up small values of each cell."""
    upto = np.zeros(len(values) + 1, np.int32 if len(values) < _MOST_IN_32_BITS else np.int64)
    np.cumsum(values.view(np.int8), out=upto[1:], dtype=upto.dtype)
    ends = np.cumsum(lengths)
    sums: NDArray[np.int64] = (upto[ends] - upto[ends - lengths]).astype(np.int64)
    return sums


def _cells_of(places: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    """Say which cells these characters are in; None if there are no characters."""
    if len(places) == 0:
        return None
    cells = np.zeros(len(lengths), np.bool_)
    cells[np.searchsorted(np.cumsum(lengths), places, side="right")] = True
    return cells


def _only(
    values: NDArray[Any], is_digit: NDArray[np.bool_], lengths: NDArray[np.int64], type_: type[np.uint8 | np.uint16]
) -> tuple[NDArray[np.uint8 | np.uint16], NDArray[np.int64]]:
    """Return the digits alone, with room for a word, and how many each cell has."""
    count = int(np.count_nonzero(is_digit))
    digits = room_for(count, type_)
    if count == len(values):
        digits[:count] = values
        return digits, lengths
    runs = _runs(is_digit, lengths)
    if not runs:
        digits[:count] = values[is_digit]
        return digits, _sums(is_digit, lengths)
    rows = int(np.count_nonzero(lengths))
    for packed, spread in _matched(runs, digits[:count], values.astype(type_, copy=False), rows):
        packed[:] = spread
    return digits, np.where(lengths, count // rows, 0)


def _among(
    original: NDArray[Any], is_digit: NDArray[np.bool_], lengths: NDArray[np.int64], spelled: NDArray[Any]
) -> NDArray[Any]:
    """Put characters in the place of those that are digits."""
    if len(spelled) == len(original):
        return spelled
    changed = original.copy()
    runs = _runs(is_digit, lengths)
    if not runs:
        changed[is_digit] = spelled
        return changed
    for packed, spread in _matched(runs, spelled, changed, int(np.count_nonzero(lengths))):
        spread[:] = packed
    return changed


def _runs(is_digit: NDArray[np.bool_], lengths: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return where digits begin and end in every cell, if that is the same in all but empty ones; else nothing."""
    present = lengths[lengths > 0]
    length = int(present[0])
    if (present != length).any():
        return []
    first = is_digit[:length]
    edges = np.flatnonzero(np.diff(first.view(np.int8), prepend=0, append=0))
    if len(edges) > _MOST_RUNS or not np.array_equal(np.tile(first, len(present)), is_digit):
        return []
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _matched(
    runs: list[tuple[int, int]], packed: NDArray[Any], spread: NDArray[Any], rows: int
) -> Iterator[tuple[NDArray[np.void], NDArray[np.void]]]:
    """Show each run of digits as one thing a row, where they stand alone and where they stand among others."""
    packed, spread = packed.reshape(rows, -1), spread.reshape(rows, -1)
    at = 0
    for start, end in runs:
        kind = f"V{(end - start) * packed.itemsize}"
        yield packed[:, at : at + end - start].view(kind), spread[:, start:end].view(kind)
        at += end - start


def _decodable(
    data: NDArray[np.uint8], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_] | None]:
    """Empty the cells that are no UTF-8, and say which they are; None if all are."""
    starts = np.cumsum(lengths) - lengths
    split = np.any(data[starts[lengths > 0]] & 0xC0 == _CONTINUED)
    if not split and _is_text(data.tobytes()):
        return data, lengths, None
    cells = [data[start : start + length].tobytes() for start, length in zip(starts, lengths, strict=True)]
    broken = np.array([not _is_text(cell) for cell in cells])
    whole = [b"" if is_broken else cell for cell, is_broken in zip(cells, broken, strict=True)]
    return np.frombuffer(b"".join(whole), np.uint8), np.where(broken, 0, lengths), broken


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
