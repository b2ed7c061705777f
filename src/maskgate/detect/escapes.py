r"""Characters that a text inside of JSON, of a log or of a query spells as escapes, read as what they mean.

``m\u00fcller@example.com``, ``https:\/\/example.com`` and ``\n10.0.0.1`` are what most programs write where a text is
inside of another, with more backslashes the deeper it is; ``ann%40example.com`` is what a form sends, and
``4111&nbsp;1111`` what HTML has.
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

_BACKSLASH, _PERCENT, _AMPERSAND = ord("\\"), ord("%"), ord("&")
# No pattern goes on over it.
_BREAK = ord("\t")
_MEANT_BY = np.zeros(256, np.uint8)
_MEANT_BY[[ord(each) for each in "nrt\"'/"]] = [_BREAK, _BREAK, _BREAK, *map(ord, "\"'/")]
_NO_DIGIT = 16
_HEX = np.array([int(chr(each), 16) if chr(each) in "0123456789abcdefABCDEF" else _NO_DIGIT for each in range(256)])
_FOUR = 4
_ASCII, _TWO_BYTES = 0x80, 0x800
_SURROGATES = range(0xD800, 0xE000)
# Those of HTML that stand in and around addresses and numbers.
_ENTITIES = {
    "&nbsp;": " ",
    "&#160;": " ",
    "&#xa0;": " ",
    "&#xA0;": " ",
    "&ndash;": "-",
    "&#8211;": "-",
    "&minus;": "-",
    "&#64;": "@",
    "&#x40;": "@",
    "&commat;": "@",
    "&#46;": ".",
    "&period;": ".",
    "&plus;": "+",
    "&#43;": "+",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#34;": '"',
    "&apos;": "'",
    "&#39;": "'",
    "&amp;": "&",
}
# Around the sign in an address.
_IN_NAMES = WORD | np.isin(np.arange(256), [ord(each) for each in "._+-~%"]) | (np.arange(256) >= _ASCII)


def unescaped(text: Text) -> Folded | None:
    """Read the escapes of a text; None if it has none."""
    parts = [find(text.data) for find in (_after_backslashes, _at_signs, _entities)]
    escapes = Spans.all_of(spans for spans, _ in parts)
    return _written(text, escapes, np.concatenate([letters for _, letters in parts])) if len(escapes) else None


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
    starts = _places_of(data, np.flatnonzero(data == _PERCENT), "%40")
    starts = starts[
        _IN_NAMES.take(data.take(starts - 1, mode="clip")) & _IN_NAMES.take(data.take(starts + 3, mode="clip"))
    ]
    return Spans(starts, starts + 3), _one_byte(np.full(len(starts), ord("@"), np.uint8))


def _entities(data: NDArray[np.uint8]) -> tuple[Spans, NDArray[np.uint8]]:
    """Return where characters are written as HTML does."""
    places = np.flatnonzero(data == _AMPERSAND)
    found = [(_places_of(data, places, code), code, meant) for code, meant in _ENTITIES.items() if len(places)]
    starts = np.concatenate([np.zeros(0, np.int64), *(here for here, _, _ in found)])
    lengths = np.repeat([len(code) for _, code, _ in found], [len(here) for here, _, _ in found]).astype(np.int64)
    meant = np.repeat([ord(each) for _, _, each in found], [len(here) for here, _, _ in found]).astype(np.uint8)
    return Spans(starts, starts + lengths), _one_byte(meant)


def _places_of(data: NDArray[np.uint8], places: NDArray[np.int64], code: str) -> NDArray[np.int64]:
    """Return at which of some places a code stands, whose first character is there."""
    for step, letter in enumerate(code[1:], 1):
        places = places[data.take(places + step, mode="clip") == ord(letter)]
    return places


def _one_byte(meant: NDArray[np.uint8]) -> NDArray[np.uint8]:
    letters = np.zeros((len(meant), 3), np.uint8)
    letters[:, 0] = meant
    return letters
