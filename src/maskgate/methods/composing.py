"""The composed form of texts (Unicode's NFC), worked out only for those that may not be composed yet.

Most letters of most scripts are composed as they stand, whatever stands beside them. Unicode promises that this never
changes for a character that is assigned. So a text that is made of such letters alone is left as it is, and to see
that is many times faster.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import Cells, edges_of
from maskgate.methods.layout import in_portions

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Characters below U+0300, all of which are composed, begin with a byte below this one.
_FIRST = 0xCC
# Others that are, by the first two bytes of their UTF-8; what marks a letter is not among them.
_COMPOSED = (
    (0xCE90, 0xCEA1),  # Greek, U+0390 to U+03FF
    (0xCEA3, 0xCFBF),
    (0xD080, 0xD1BF),  # Cyrillic, U+0400 to U+047F, and from U+048A to U+052F
    (0xD28A, 0xD4AF),
    (0xD790, 0xD7AA),  # Hebrew letters
    (0xD8A1, 0xD8BF),  # Arabic letters
    (0xD980, 0xD98A),
    (0xE1B8, 0xE1BB),  # more Latin letters, U+1E00 to U+1EFF
    (0xE381, 0xE381),  # Hiragana and Katakana, but for U+3080 to U+30BF
    (0xE383, 0xE383),
    (0xE480, 0xE9BF),  # Chinese, U+4000 to U+9FFF
    (0xEAB0, 0xED9D),  # Korean, U+AC00 to U+D77F
)
IS_COMPOSED = np.zeros(1 << 16, np.bool_)
for _first, _last in _COMPOSED:
    IS_COMPOSED[_first : _last + 1] = True


def composed(column: pa.Array) -> pa.Array:
    """Return strings in their composed form.

    Args:
        column: ``string`` or ``large_string``.
    """
    parts = list(in_portions(column))
    made = [_composed(part) for part in parts]
    return column if all(map(operator.is_, made, parts)) else pa.concat_arrays(made)


def _composed(texts: pa.Array) -> pa.Array:
    rows = _doubtful(Cells.of(texts))
    if len(rows) == 0:
        return texts
    if len(rows) == len(texts):
        return pc.utf8_normalize(texts, "NFC")
    places = np.arange(len(texts))
    places[rows] = np.arange(len(texts), len(texts) + len(rows))
    made = pc.utf8_normalize(texts.take(pa.array(rows)), "NFC")
    return pa.concat_arrays([texts, made]).take(pa.array(places))


def _doubtful(cells: Cells) -> NDArray[np.intp]:
    """Return the cells in which there is another letter than those that are composed as they stand."""
    data = cells.joined()
    places = np.flatnonzero(data >= _FIRST)
    if len(places) == 0:
        return places
    pairs = data[places].astype(np.intp) << 8 | data.take(places + 1, mode="clip")
    places = places[~IS_COMPOSED[pairs]]
    rows: NDArray[np.intp] = np.unique(np.searchsorted(edges_of(cells.lengths), places, side="right") - 1)
    return rows
