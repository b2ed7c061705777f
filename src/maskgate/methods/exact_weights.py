"""Draws among a few outcomes with probabilities that are whole multiples of 2^-64, exactly.

Walker's alias method (Walker, 1977; Vose, 1991) in whole numbers: the outcomes are laid into a power of two of equal
columns, each shared by at most two. The upper bits of a word choose the column, the lower ones the outcome, so that
each outcome has just as many of the 2^64 words as its weight says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

WORD_BITS = 64
ALL_WORDS = 1 << WORD_BITS


def whole_weights(probabilities: Sequence[Fraction]) -> list[int]:
    """Return whole weights that sum to 2^64, each less than 1 away from its share.

    Args:
        probabilities: Not below 0, and not all 0; where they do not sum to 1, they are scaled.
    """
    whole = sum(probabilities)
    shares = [each * ALL_WORDS / whole for each in probabilities]
    weights = [int(share) for share in shares]
    nearly = sorted(range(len(shares)), key=lambda place: weights[place] - shares[place])
    for place in nearly[: ALL_WORDS - sum(weights)]:
        weights[place] += 1
    return weights


@dataclass(frozen=True)
class ExactWeights:
    """Distributions over the same number of outcomes, one a row.

    Attributes:
        bits: How many upper bits of a word choose a column.
        limits: For each row and column, below which word its first outcome is meant.
        outcomes: The second outcomes of all rows and columns, then the first ones; each filled up to a power of 256.
    """

    bits: int
    limits: NDArray[np.uint64]
    outcomes: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], meanings: Sequence[int]) -> ExactWeights:
        """Lay out weights.

        Args:
            rows: Weights of the outcomes, each row summing to 2^64.
            meanings: The number that stands for each outcome.
        """
        bits = max(1, (len(meanings) - 1).bit_length())
        limits: list[int] = []
        pairs: list[tuple[int, int]] = []
        for weights in rows:
            for number, (limit, first, second) in enumerate(_columns(weights, bits)):
                limits.append(min((number << (WORD_BITS - bits)) + limit, ALL_WORDS - 1))
                pairs.append((meanings[second], meanings[first]))
        outcomes = np.zeros((2, 1 << 8 * -(-(len(pairs) - 1).bit_length() // 8)), np.int64)
        outcomes[:, : len(pairs)] = np.array(pairs, np.int64).T
        return cls(bits, np.array(limits, np.uint64), outcomes)

    def draw(self, words: NDArray[np.uint64], rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Turn words of even bits into outcomes.

        Args:
            words: A word a cell.
            rows: Which row's distribution each cell draws from; the first if not said.
        """
        columns = (words >> np.uint64(WORD_BITS - self.bits)).view("<i8")
        if rows is not None:
            columns += rows << self.bits
        # No column is out of the table; "clip" is the mode that does not look twice.
        limits = self.limits.take(columns, mode="clip")
        # Which outcome of a column is meant goes into the next byte of its number, which takes no pass of its own.
        byte = self.outcomes.shape[1].bit_length() // 8
        np.less(words, limits, out=columns.view(np.bool_)[byte :: columns.itemsize])
        return self.outcomes.reshape(-1).take(columns, mode="clip")


def _columns(weights: Sequence[int], bits: int) -> list[tuple[int, int, int]]:
    """Lay weights into 2^bits equal columns: in each, the outcome below a limit, and the one from there on."""
    capacity = ALL_WORDS >> bits
    left = [*weights, *([0] * ((1 << bits) - len(weights)))]
    full = [min(place, len(weights) - 1) for place in range(len(left))]
    columns = [(capacity, place, place) for place in full]
    small = [place for place, weight in enumerate(left) if weight < capacity]
    large = [place for place, weight in enumerate(left) if weight > capacity]
    while small:
        # Both sums are right at every turn, so that what is missing here is too much there.
        here, there = small.pop(), large[-1]
        columns[here] = (left[here], min(here, len(weights) - 1), there)
        left[there] -= capacity - left[here]
        if left[there] <= capacity:
            large.pop()
            if left[there] < capacity:
                small.append(there)
    return columns
