"""How much a reason says: padding is no reason."""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter

_SAID = frozenset("LNM")
_REPEATED = 2
_SAID_AGAIN = 3


def length_of(reason: str) -> int:
    """Count the characters of a reason's words.

    Punctuation is none of them; a letter counts at most twice in a row, and a word at most three times.

    Example:
        >>> length_of("  ten  letters "), length_of(".........."), length_of("aaaaaaaaaa"), length_of("ok!!!!!!!!")
        (11, 0, 2, 2)
        >>> length_of("x " * 40), length_of("ok fine " * 20)
        (5, 23)
    """
    plain = "".join(letter if unicodedata.category(letter)[0] in _SAID else " " for letter in reason.casefold())
    said: Counter[str] = Counter()
    words = []
    for word in plain.split():
        said[word] += 1
        if said[word] <= _SAID_AGAIN:
            words.append(word)
    return sum(min(len(tuple(run)), _REPEATED) for _, run in itertools.groupby(" ".join(words)))
