"""Which fakes are the very values that they stand for, whatever the case of their letters.

Hardly any is. So first the lengths of both are compared, and how they begin; only where these agree, all of them is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import Cells
from maskgate.methods.token_input import token_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Steps of `normalize` after which ASCII without blanks at its ends is the same, but for its case.
_KEEPS_ASCII = frozenset({"trim", "lower", "nfc"})
_CASE = np.uint8(ord("a") ^ ord("A"))
_SIGMA, _FINAL_SIGMA = "\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK SMALL LETTER FINAL SIGMA}"


@dataclass(frozen=True)
class Likeness:
    """Compares fakes with values.

    Attributes:
        steps: How the values were normalized; the fakes are too, so that all spellings of a value agree.
        is_ascii: Whether all fakes are ASCII, with no blank at their ends.
        pool: All fakes, if they are entries of a pool; None if they are made in another way.
    """

    steps: Sequence[str]
    is_ascii: bool
    pool: pa.StringArray | None

    def candidates(self, text: pa.StringArray, places: NDArray[np.int64], originals: pa.Array) -> NDArray[np.intp]:
        """Return the rows in which a fake may be the value itself.

        Args:
            text: The fakes.
            places: Where they are in the pool; anything if there is none.
            originals: The values, normalized.
        """
        every = np.arange(len(text))
        if self.is_ascii and _KEEPS_ASCII.issuperset(self.steps):
            fakes, places = Cells.of(text), every
            lengths = fakes.lengths
        elif self.pool is not None and _is_text(originals):
            fakes = self._lowered
            lengths = fakes.lengths.take(places)
        else:
            return every
        if _is_text(originals) and not _is_ascii(originals):
            originals = pc.utf8_lower(originals)  # as some letters are longer, or shorter, than their small ones
        values = Cells.of(originals)
        rows = np.flatnonzero((lengths == values.lengths) & (lengths > 0))
        differing = fakes.data[fakes.starts[places[rows]]] ^ values.data[values.starts[rows]]
        is_near = (differing | _CASE) == _CASE
        return np.concatenate([rows[is_near], np.flatnonzero((lengths == 0) & (values.lengths == 0))])

    def unchanged(self, text: pa.StringArray, originals: pa.Array, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of some rows in which the fake is the value itself."""
        if len(rows) == 0:
            return rows
        if len(rows) < len(text):
            text, originals = text.take(pa.array(rows)), originals.take(pa.array(rows))
        unwanted, texts = _comparable(originals), token_input(text, self.steps)
        comparable = texts if pa.types.is_large_binary(unwanted.type) else _comparable(texts)
        is_same: NDArray[np.bool_] = pc.equal(comparable.cast(unwanted.type), unwanted).to_numpy(zero_copy_only=False)
        return rows[is_same]

    @cached_property
    def _lowered(self) -> Cells:
        return Cells.of(_comparable(token_input(self.pool, self.steps)))


def _comparable(originals: pa.Array) -> pa.Array:
    """Return texts in lower case, and bytes as they are."""
    if not _is_text(originals):
        return originals.cast(pa.large_binary())
    # The same for ASCII, and many times as fast.
    if _is_ascii(originals):
        return pc.ascii_lower(originals)
    # The Greek sigma has two small letters, and which of them a capital becomes, Arrow does not look at.
    return pc.replace_substring(pc.utf8_lower(originals), _FINAL_SIGMA, _SIGMA)


def _is_text(values: pa.Array) -> bool:
    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def _is_ascii(texts: pa.Array) -> bool:
    return pc.all(pc.string_is_ascii(texts)).as_py() is not False
