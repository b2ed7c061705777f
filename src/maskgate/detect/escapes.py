r"""Characters that a text inside of JSON, of a log or of a query spells as escapes, read as what they mean.

``m\u00fcller@example.com``, ``https:\/\/example.com`` and ``\n10.0.0.1`` are what most programs write where a text is
inside of another, with more backslashes the deeper it is; ``ann%40example.com`` is what a form sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.folding import GOES, MEANT, STAYS, Folded
from maskgate.detect.spans import Spans
from maskgate.detect.text import WORD, Landmarks, Text

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_BACKSLASH, _PERCENT = ord("\\"), ord("%")
# No pattern goes on over it.
_BREAK = ord("\t")
_MEANT_BY = np.zeros(256, np.uint8)
_MEANT_BY[[ord(each) for each in "nrt\"'/"]] = [_BREAK, _BREAK, _BREAK, *map(ord, "\"'/")]
_NO_DIGIT = 16
_HEX = np.array([int(chr(each), 16) if chr(each) in "0123456789abcdefABCDEF" else _NO_DIGIT for each in range(256)])
_FOUR = 4
_ASCII, _TWO_BYTES = 0x80, 0x800
_SURROGATES = range(0xD800, 0xE000)
# Around the sign in an address.
_IN_NAMES = WORD | np.isin(np.arange(256), [ord(each) for each in "._+-~"]) | (np.arange(256) >= _ASCII)


def unescaped(text: Text) -> Folded | None:
    """Read the escapes of a text; None if it has none."""
    slashed, at_signs = _after_backslashes(text.data), _at_signs(text.data)
    escapes = Spans.all_of([slashed[0], at_signs[0]])
    return _written(text, escapes, np.concatenate([slashed[1], at_signs[1]])) if len(escapes) else None


def without_escapes(cells: pa.Array) -> pa.Array:
    """Return texts of ``large_string`` as they read."""
    plain = unescaped(Text.of(cells))
    return cells if plain is None else plain.text.pieces(Spans(plain.text.starts, plain.text.ends))


def _written(text: Text, escapes: Spans, letters: NDArray[np.uint8]) -> Folded:
    """Put up to three bytes in the place of each escape."""
    starts, ends = escapes.starts, escapes.ends
    kept = np.ones(len(text.data), dtype=bool)
    kept[escapes.bytes_inside()] = False
    written, widths = text.data.copy(), np.ones(len(text.data), np.int64)
    for place in range(letters.shape[1]):
        there = letters[:, place] > 0
        here = starts[there] + place
        kept[here], written[here], widths[here] = True, letters[there, place], 1
    lengths = (letters > 0).sum(axis=1)
    some = lengths > 0
    last = starts[some] + lengths[some] - 1
    widths[last] = ends[some] - last
    places, moved = np.flatnonzero(kept), np.concatenate([[0], np.cumsum(kept)])
    data = written[places]
    return Folded(Text(data, moved[text.starts], moved[text.ends], Landmarks(data)), places, widths[places])


def _after_backslashes(data: NDArray[np.uint8]) -> tuple[Spans, NDArray[np.uint8]]:
    """Return where escapes are, and up to three bytes of UTF-8 for each."""
    places = np.flatnonzero(data == _BACKSLASH)
    starts = places[data.take(places - 1, mode="clip") != _BACKSLASH]
    signs = places[data.take(places + 1, mode="clip") != _BACKSLASH] + 1
    sign = data.take(signs, mode="clip")
    letters = np.zeros((len(starts), 3), np.uint8)
    letters[:, 0] = _MEANT_BY.take(sign)
    ends = signs + 1
    hexadecimal = _HEX.take(data.take(signs[:, None] + 1 + np.arange(_FOUR), mode="clip"))
    numbered = np.flatnonzero((sign == ord("u")) & (hexadecimal < _NO_DIGIT).all(axis=1))
    codes = hexadecimal[numbered] @ np.array([1 << 12, 1 << 8, 1 << 4, 1])
    letters[numbered] = _utf8(codes)
    ends[numbered] += _FOUR
    is_escape = letters[:, 0] > 0
    is_escape[numbered] = True
    return Spans(starts, ends).where(is_escape), letters[is_escape]


def _utf8(codes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Write characters as the patterns know them; nothing for those that nobody sees."""
    letters = np.zeros((len(codes), 3), np.uint8)
    meant = MEANT.take(codes)
    letters[:, 0] = np.where(meant == GOES, 0, meant)
    plain = codes < _ASCII
    letters[plain, 0] = np.where((codes >= ord(" ")) & (codes < _ASCII - 1), codes, _BREAK)[plain]
    letters[(codes >= _SURROGATES.start) & (codes < _SURROGATES.stop), 0] = _BREAK
    others = np.flatnonzero((letters[:, 0] == 0) & (meant == STAYS))
    few, many = others[codes[others] < _TWO_BYTES], others[codes[others] >= _TWO_BYTES]
    letters[few, 0], letters[few, 1] = 0xC0 | codes[few] >> 6, 0x80 | codes[few] & 0x3F
    letters[many, 0] = 0xE0 | codes[many] >> 12
    letters[many, 1], letters[many, 2] = 0x80 | codes[many] >> 6 & 0x3F, 0x80 | codes[many] & 0x3F
    return letters


def _at_signs(data: NDArray[np.uint8]) -> tuple[Spans, NDArray[np.uint8]]:
    """Return where an at sign is written as ``%40``, between what can be in an address."""
    places = np.flatnonzero(data == _PERCENT)
    coded = (data.take(places + 1, mode="clip") == ord("4")) & (data.take(places + 2, mode="clip") == ord("0"))
    coded &= _IN_NAMES.take(data.take(places - 1, mode="clip")) & _IN_NAMES.take(data.take(places + 3, mode="clip"))
    starts = places[coded]
    letters = np.zeros((len(starts), 3), np.uint8)
    letters[:, 0] = ord("@")
    return Spans(starts, starts + 3), letters
