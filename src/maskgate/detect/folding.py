"""Digits of other scripts, wide letters, and characters that nobody sees, written so that the patterns know them.

A number means the same in Arabic, Devanagari or full-width digits (UAX #44, ``Nd``; UAX #11), and whoever copies an
address out of a web page or a chat may copy a zero-width space or a mark of direction with it. What is found in the
text as it is written here is then told by its places in the text as it came.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.spans import Spans
from maskgate.detect.text import Landmarks, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ASCII = 128
_THREE_BYTES = 0xE0
STAYS, GOES = 0, 255
# Of the wide forms those that addresses and numbers are made of; commas and brackets stay what they are.
_WIDE = [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *map(ord, "\uff0b\uff0d\uff0e\uff20")]
_UNSEEN = [0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]


def _table() -> NDArray[np.uint8]:
    """Say for each character of two or three bytes which of ASCII stands for it, or that none has to."""
    table = np.zeros(1 << 16, np.uint8)
    for code in range(_ASCII, 1 << 16):
        if unicodedata.category(chr(code)) == "Nd":
            table[code] = ord(str(unicodedata.decimal(chr(code))))
    for code in _WIDE:
        table[code] = ord(unicodedata.normalize("NFKC", chr(code)))
    table[_UNSEEN] = GOES
    return table


# For each character of two or three bytes what of ASCII it means; that it stays, or that it goes.
MEANT = _table()
_LEADS = np.zeros(256, dtype=bool)
_LEADS[[chr(code).encode()[0] for code in np.flatnonzero(MEANT).tolist()]] = True


@dataclass(frozen=True)
class Folded:
    """A text without some of its bytes.

    Attributes:
        text: It, as the patterns know it.
        places: Where each byte of it stands in the text that it was made of.
        widths: For each of them, how many bytes the character has there whose place it takes.
    """

    text: Text
    places: NDArray[np.int64]
    widths: NDArray[np.int64]

    def outside(self, spans: Spans) -> Spans:
        """Return where spans are in the text that this one was made of."""
        last = spans.ends - 1
        return Spans(self.places[spans.starts], self.places[last] + self.widths[last])


def fold(text: Text, *, unseen: bool) -> Folded | None:
    """Write a text so that the patterns know it.

    Args:
        text: The text.
        unseen: Whether what nobody sees goes, beside ASCII, too. Where all around it is something else it stays: some
            scripts need it to be read.

    Returns:
        The text with ASCII for digits and wide letters; None if there is nothing to do.
    """
    data = text.data
    if len(data) == 0 or data.max() < _ASCII:
        return None
    leads = np.flatnonzero(_LEADS.take(data))
    first, second, third = (data.take(leads + step, mode="clip").astype(np.int64) for step in range(3))
    is_wide = first >= _THREE_BYTES
    codes = np.where(
        is_wide, (first & 0xF) << 12 | (second & 0x3F) << 6 | third & 0x3F, (first & 0x1F) << 6 | second & 0x3F
    )
    meant, widths = MEANT.take(codes), 2 + is_wide
    goes = meant == GOES
    goes &= (data.take(leads - 1, mode="clip") < _ASCII) | (data.take(leads + widths, mode="clip") < _ASCII)
    chosen = (meant != STAYS) & (meant != GOES)
    if not (goes if unseen else chosen).any():
        return None
    chosen |= goes & unseen
    return _written(text, leads[chosen], widths[chosen], meant[chosen])


def _written(text: Text, leads: NDArray[np.int64], widths: NDArray[np.int64], meant: NDArray[np.uint8]) -> Folded:
    """Put one byte, or none, in the place of some characters."""
    kept = np.ones(len(text.data), dtype=bool)
    kept[Spans(leads + (meant != GOES), leads + widths).bytes_inside()] = False
    places = np.flatnonzero(kept)
    written, all_widths = text.data.copy(), np.ones(len(text.data), np.int64)
    written[leads], all_widths[leads] = meant, widths
    data, moved = written[places], np.concatenate([[0], np.cumsum(kept)])
    inside = Text(data, moved[text.starts], moved[text.ends], Landmarks(data))
    return Folded(inside, places, all_widths[places])
