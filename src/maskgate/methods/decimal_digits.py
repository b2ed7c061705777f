"""Decimal digits of every script (UAX #44, ``Nd``) as the ASCII digits that mean the same."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ASCII = 128
_LEAD = 0xC0
_WIDTHS = ((0xC0, 0x1F), (0xE0, 0xF), (0xF0, 0x7))
# Unicode has no decimal digits beyond its first two planes. Their last code point is no character, and so no digit;
# whatever lies beyond is looked up there.
_PLANES = 0x20000
_CONTINUED, _BITS = 0x3F, 6


def with_ascii_digits(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return UTF-8 with an ASCII digit in place of the first byte of every other decimal digit; its rest stays."""
    if len(data) == 0 or data.max() < _ASCII:
        return data
    leads = np.flatnonzero(data >= _LEAD)
    digits = _table().take(_codes(data, leads), mode="clip")
    leads, digits = leads[digits > 0], digits[digits > 0]
    if not len(leads):
        return data
    written = data.copy()
    written[leads] = digits
    return written


def _codes(data: NDArray[np.uint8], leads: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the code points of the characters that begin at some bytes."""
    first = data[leads].astype(np.int32)
    codes = np.zeros(len(leads), np.int32)
    for more, (least, bits) in enumerate(_WIDTHS, 1):
        here = first >= least
        code = first[here] & bits
        for step in range(1, more + 1):
            code = code << _BITS | data.take(leads[here] + step, mode="clip") & _CONTINUED
        codes[here] = code
    return codes


@cache
def _table() -> NDArray[np.uint8]:
    """Say for each code point of the first planes which ASCII digit it means; 0 if it is none."""
    table = np.zeros(_PLANES, np.uint8)
    for found in re.finditer(r"\d", "".join(map(chr, range(_ASCII, _PLANES)))):
        table[_ASCII + found.start()] = ord("0") + unicodedata.decimal(found.group())
    return table
