"""How much a reason says: padding is no reason."""

from __future__ import annotations

import itertools
import unicodedata

_SAID = frozenset("LNM")
_REPEATED = 2


def length_of(reason: str) -> int:
    """Count the characters of a reason's words: no punctuation, and a letter at most twice in a row.

    Example:
        >>> length_of("  ten  letters "), length_of(".........."), length_of("aaaaaaaaaa"), length_of("ok!!!!!!!!")
        (11, 0, 2, 2)
    """
    plain = "".join(letter if unicodedata.category(letter)[0] in _SAID else " " for letter in reason)
    words = " ".join(plain.split())
    return sum(min(len(tuple(run)), _REPEATED) for _, run in itertools.groupby(words.casefold()))
