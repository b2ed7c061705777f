"""Some of the characters of each match, moved together: the digits of a number without what separates them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.text import DIGIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.spans import Spans
    from maskgate.detect.text import Text

# Blanks and dashes that stand inside of numbers, for use within [...]: also those that word processors put there.
BLANKS = r" \x{A0}\x{2009}\x{202F}"
DASHES = r"\-\x{2010}-\x{2015}\x{2212}"


@dataclass(frozen=True)
class Characters:
    """The wanted characters of each span.

    Attributes:
        letters: A row for each span: its wanted bytes from the left, zeros behind.
        places: Where each of them stands in the span; without meaning behind the last.
        counts: How many there are.
    """

    letters: NDArray[np.uint8]
    places: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, text: Text, spans: Spans, wanted: NDArray[np.bool_], most: int) -> Characters:
        """Take the wanted bytes out of the first few of every span.

        Args:
            text: The text.
            spans: Spans in it.
            wanted: For each of the 256 bytes, whether it is wanted.
            most: How many to take at most.
        """
        width = int((spans.ends - spans.starts).max(initial=0))
        table = text.table(spans, width)
        is_wanted = wanted.take(table)
        counts = is_wanted.sum(axis=1)
        every = np.append(np.flatnonzero(is_wanted), 0)
        # From each span's first wanted byte on; where it has fewer, the next span's follow, and do not count.
        chosen = (np.cumsum(counts) - counts)[:, None] + np.arange(most)
        there = every.take(np.minimum(chosen, len(every) - 1))
        letters = np.append(table.ravel(), np.uint8(0)).take(there)
        letters[np.arange(most) >= counts[:, None]] = 0
        return cls(letters, there - np.arange(len(spans))[:, None] * width, counts)

    @classmethod
    def digits(cls, text: Text, spans: Spans, most: int) -> Characters:
        """Take the digits out of every span."""
        return cls.of(text, spans, DIGIT, most)

    def where(self, chosen: NDArray[np.int64]) -> Characters:
        """Return those of some of the spans."""
        return Characters(self.letters[chosen], self.places[chosen], self.counts[chosen])

    def number(self, start: int, stop: int) -> NDArray[np.int64]:
        """Read some of each span's digits as a number; a missing digit counts as 0."""
        value = np.zeros(len(self.letters), np.int64)
        for column in range(start, stop):
            digit = self.letters[:, column].astype(np.int64) - ord("0")
            value = value * 10 + np.maximum(digit, 0)
        return value
