"""Whole numbers that words of even bits turn into, of which the first 16 bits mostly decide.

Where a word of 64 bits is turned into noise that is rounded to whole steps, nearly all words that begin with the same
16 bits end on the same step. A table says on which. The few words that it says nothing of have to be worked out in
full, so that what comes out is the same as without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from maskgate.crypto.room import room

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FIRST_BITS = 16
_WORD_BITS = 64
_CELLS = 1 << FIRST_BITS
# To work a word out in full takes some twenty times as long as to look it up.
_MOST_OPEN = _CELLS // 64


@dataclass(frozen=True)
class FirstBits:
    """What words turn into, by their first bits.

    Attributes:
        found: The whole number for each 16 bits; where they do not decide, the least one of its type.
    """

    found: NDArray[Any]

    @classmethod
    def of(
        cls, turned: Callable[[NDArray[np.uint64]], NDArray[Any]], kind: Any = np.int32, slack: float = 0.0
    ) -> Self | None:
        """Return the table of a function.

        Args:
            turned: Turns words into numbers: a word between two that begin alike becomes a number between theirs, give
                or take the slack.
            kind: A signed type that holds all numbers.
            slack: How far a number may be moved before it is rounded.

        Returns:
            None if the first bits decide too seldom.
        """
        starts = np.arange(_CELLS, dtype=np.uint64) << np.uint64(_WORD_BITS - FIRST_BITS)
        first = turned(starts).astype(np.float64)
        last = turned(starts | np.uint64((1 << (_WORD_BITS - FIRST_BITS)) - 1)).astype(np.float64)
        lower, upper = np.rint(np.minimum(first, last) - slack), np.rint(np.maximum(first, last) + slack)
        is_open = lower != upper
        if np.count_nonzero(is_open) > _MOST_OPEN:
            return None
        return cls(np.where(is_open, np.iinfo(kind).min, lower).astype(kind))

    def look_up(self, drawn: NDArray[np.uint64], number: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Return what words turn into, and where that is not known.

        Args:
            drawn: Some words a row.
            number: Which of them.
        """
        shorts = drawn.view("<u2").reshape(len(drawn), -1)
        cells: NDArray[np.int64] = room(len(drawn), np.int64)
        np.copyto(cells, shorts[:, (number + 1) * (_WORD_BITS // FIRST_BITS) - 1])
        # No cell is out of the table; "clip" is the mode that does not look twice.
        found = self.found.take(cells, out=room(len(drawn), self.found.dtype), mode="clip")
        return found, np.flatnonzero(found == np.iinfo(found.dtype).min)
