"""Find the values of a row's other columns in its text: the name of the customer, say, in a note about them.

What is looked for is the value as a whole, and each word of at least two letters in it by itself. Case, accents, wide
letters, what nobody sees, and which blanks and punctuation stand between words make no difference: ``O'Neil, Ann`` is
found where the value is ``ann o'neil``, word by word. Only whole words are: ``Ann`` is not in ``annual``. A text in a
script without blanks between words, such as Chinese, is compared character by character, and there the value as a whole
alone counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.detect.escapes import unescaped
from maskgate.detect.folding import fold
from maskgate.detect.spans import Spans
from maskgate.detect.text import Text, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_FEWEST_LETTERS = 2
# Between two words of a value there may stand as much, in bytes.
_WIDEST_GAP = 4

# What no normal form takes apart, and capitals or other keyboards write otherwise.
_LETTERS = {
    "\u00df": "ss",
    "\u00e6": "ae",
    "\u0153": "oe",
    "\u00f8": "o",
    "\u0142": "l",
    "\u0111": "d",
    "\u00f0": "d",
    "\u00fe": "th",
    "\u0127": "h",
    "\u0131": "i",
    "\u03c2": "\u03c3",
}
_BEYOND_ASCII = 128
_BYTES = np.arange(256)
_IN_WORDS = np.array([chr(each).isalnum() for each in range(128)] + [True] * 128)
_DIGITS = (_BYTES >= ord("0")) & (_BYTES <= ord("9"))  # noqa: SIM300  a row of bytes, compared with one
_LOWER = np.where((_BYTES >= ord("A")) & (_BYTES <= ord("Z")), _BYTES + 32, _BYTES).astype(np.uint8)  # noqa: SIM300


@dataclass(frozen=True)
class Words:
    """The words of some cells, from left to right.

    Attributes:
        text: The cells.
        spans: Where each word is.
        folded: How each is compared: without case and accents.
    """

    text: Text
    spans: Spans
    folded: pa.Array

    @classmethod
    def of(cls, text: Text) -> Words:
        """Take a text apart."""
        is_word = _IN_WORDS.take(text.data)
        is_ascii = len(text.data) == 0 or int(text.data.max()) < _BEYOND_ASCII
        alone = np.zeros(0, np.int64)
        if not is_ascii:
            is_word &= ~_punctuation_abroad(text.data)
            alone = _alone(text.data)
        edges = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
        if len(alone):
            edges = np.union1d(edges, np.concatenate([alone, alone + 3]))
        inside = np.flatnonzero(is_word.take(edges))
        if len(inside) == 0:
            return cls(text, Spans.none(), pa.array([], pa.large_string()))
        spans = Spans(edges[inside], edges[inside + 1])
        folded = strings(_LOWER.take(text.data), edges).take(pa.array(inside))
        return cls(text, spans, folded if is_ascii else _folded(folded))

    def __len__(self) -> int:
        return len(self.spans)

    def cells(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return in which cell each of some words is."""
        return self.text.cell_of(self.spans.starts[places])

    def names(self) -> NDArray[np.int64]:
        """Return the places of the words of several letters, without a digit, in scripts that have words."""
        starts, ends = self.spans.starts, self.spans.ends
        digits = np.concatenate([[0], np.cumsum(_DIGITS.take(self.text.data))])
        letters = (digits[ends] == digits[starts]) & (ends - starts >= _FEWEST_LETTERS)
        return np.flatnonzero(letters & ~np.isin(starts, _alone(self.text.data)))


def find_values(text: Text, columns: Mapping[str, pa.Array]) -> Iterator[tuple[str, Spans]]:
    """Find in each row's text the values of the same row.

    Values as a whole go before words of them, and columns named first before those named later.

    Args:
        text: The texts.
        columns: Columns of ``string`` or ``large_string``, each as long as the text has cells; null or empty values
            are nowhere.

    Yields:
        The name of a column and where its values are; a column may come several times.
    """
    if not columns:
        return
    left = text.copy()
    for name, spans in _values(left, columns):
        left.take(spans)
        yield name, spans
    for read in (unescaped, partial(fold, unseen=True), partial(fold, unseen=False)):
        written = read(left)
        if written is not None:
            for name, spans in _values(written.text, columns):
                found = written.outside(spans)
                left.take(found)
                yield name, found


def _values(text: Text, columns: Mapping[str, pa.Array]) -> Iterator[tuple[str, Spans]]:
    """Find the values in texts as they are written."""
    words = Words.of(text)
    free = np.ones(len(words), dtype=bool)
    sought = [(name, _Sought.of(words, values)) for name, values in columns.items()] if len(words) else []
    for find in (_Sought.whole, _Sought.single):
        for name, values in sought:
            spans = find(values, words, free)
            free &= ~_inside(words.spans, spans)
            yield name, spans


@dataclass(frozen=True)
class _Sought:
    """The values of a column, and where the texts have words of them.

    Attributes:
        words: The words of the values.
        numbers: A number for each of them, the same for the same word.
        found: The same numbers for the words of the texts, -1 where a word is in no value.
    """

    words: Words
    numbers: NDArray[np.int64]
    found: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Words, values: pa.Array) -> Self:
        text = Text.of(values)
        folded = fold(text, unseen=False)
        words = Words.of(text if folded is None else folded.text)
        known = pc.unique(words.folded)
        return cls(words, _numbered(words.folded, known), _numbered(texts.folded, known))

    def single(self, texts: Words, free: NDArray[np.bool_]) -> Spans:
        """Find words of letters."""
        names = self.words.names()
        places = np.flatnonzero((self.found >= 0) & free)
        if len(names) == 0 or len(places) == 0:
            return Spans.none()
        most = len(self.words) + 1
        wanted = np.sort(self.words.cells(names) * most + self.numbers[names])
        keys = texts.cells(places) * most + self.found[places]
        nearest = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
        return texts.spans.where(places[wanted[nearest] == keys]).merged()

    def whole(self, texts: Words, free: NDArray[np.bool_]) -> Spans:
        """Find values as a whole: all their words, one after the other."""
        if len(self.words) == 0:
            return Spans.none()
        found = np.where(free, self.found, -1)
        places = np.flatnonzero(found >= 0)
        cells, spans = self.words.cells(np.arange(len(self.words))), self.words.spans
        rows = texts.cells(places)
        first = np.searchsorted(cells, rows, side="left")
        counts = np.searchsorted(cells, rows, side="right") - first
        fits = (counts > 0) & (places + counts <= len(texts))
        places, first, counts = places[fits], first[fits], counts[fits]
        long = spans.ends[first + counts - 1] - spans.starts[first] >= _FEWEST_LETTERS
        begins = long & (found[places] == self.numbers[first])
        places, first, counts = places[begins], first[begins], counts[begins]
        complete, step = [], 1
        while len(places):
            ended = places[counts == step]
            complete.append(Spans(texts.spans.starts[ended], texts.spans.ends[ended + step - 1]))
            on = np.flatnonzero(counts > step)
            here = places[on] + step
            same = (found[here] == self.numbers[first[on] + step]) & (texts.cells(here) == texts.cells(here - 1))
            on = on[same & (texts.spans.starts[here] - texts.spans.ends[here - 1] <= _WIDEST_GAP)]
            places, first, counts = places[on], first[on], counts[on]
            step += 1
        return Spans.all_of(complete).merged()


def _inside(inner: Spans, outer: Spans) -> NDArray[np.bool_]:
    """Say which spans begin inside of merged others."""
    if len(outer) == 0:
        return np.zeros(len(inner), dtype=bool)
    place = np.searchsorted(outer.starts, inner.starts, side="right") - 1
    return np.asarray((place >= 0) & (inner.starts < outer.ends[place]))


def _numbered(folded: pa.Array, codes: pa.Array) -> NDArray[np.int64]:
    """Return the number of each word, -1 where it is in no value."""
    found = pc.index_in(folded, value_set=codes).fill_null(-1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def _folded(words: pa.Array) -> pa.Array:
    """Write words without case and accents; ASCII is in small letters already."""
    abroad = np.flatnonzero(~pc.string_is_ascii(words).to_numpy(zero_copy_only=False))
    if len(abroad) == 0:
        return words
    taken = pc.utf8_normalize(words.take(pa.array(abroad)), form="NFKD")
    taken = pc.utf8_lower(pc.replace_substring_regex(taken, pattern=r"\p{M}", replacement=""))
    for letter, others in _LETTERS.items():
        taken = pc.replace_substring(taken, letter, others)
    mask = np.zeros(len(words), dtype=bool)
    mask[abroad] = True
    return pc.replace_with_mask(words, pa.array(mask), taken)


def _punctuation_abroad(data: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say which bytes belong to blanks and punctuation beyond ASCII, by the first bytes of their UTF-8."""
    following = np.append(data[1:], np.uint8(0))
    two = (data == 0xC2) & ~np.isin(following, [0xAA, 0xB5, 0xBA])  # noqa: PLR2004  U+0080 to U+00BF
    three = (data == 0xE2) & np.isin(following, [0x80, 0x81])  # noqa: PLR2004  U+2000 to U+207F
    three |= (data == 0xE3) & (following == 0x80)  # noqa: PLR2004  U+3000 to U+303F
    three |= (data == 0xEF) & np.isin(following, [0xBC, 0xBD])  # noqa: PLR2004  U+FF00 to U+FF7F
    covered = two | three
    covered[1:] |= two[:-1] | three[:-1]
    covered[2:] |= three[:-2]
    return np.asarray(covered)


def _alone(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return where characters of three bytes begin that are written without blanks between words."""
    following = np.append(data[1:], np.uint8(0))
    # Kana from U+3040, Han and Hangul up to U+D7FF; Thai and Lao from U+0E00; Khmer from U+1780, Myanmar from U+1000.
    east = (data == 0xE3) & (following > 0x80) | (data >= 0xE4) & (data <= 0xED)  # noqa: PLR2004
    south = (data == 0xE0) & (following >= 0xB8) & (following <= 0xBB)  # noqa: PLR2004
    south |= (data == 0xE1) & np.isin(following, [0x80, 0x81, 0x82, 0x9E, 0x9F])  # noqa: PLR2004
    return np.flatnonzero(east | south)
