"""What the tests of exact weights share: by how many of all words each outcome is drawn."""

from __future__ import annotations

from maskgate.methods.exact_weights import ALL_WORDS


def words_of(drawn):
    """Count the words of each outcome, column by column."""
    capacity = ALL_WORDS >> drawn.bits
    counts: dict[int, int] = {}
    for column, limit in enumerate(drawn.limits.tolist()):
        second, first = drawn.outcomes[:, column].tolist()
        # No limit is 2^64: of a column that is the first outcome's alone, the second is the same.
        below = limit - column % (1 << drawn.bits) * capacity
        counts[first] = counts.get(first, 0) + below
        counts[second] = counts.get(second, 0) + capacity - below
    return {outcome: count for outcome, count in counts.items() if count}
