"""Names by patterns, in which ``*`` stands for any text and ``?`` for one character."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.compile("".join(parts), re.DOTALL)


def fits_glob(name: str, pattern: str) -> bool:
    """Say whether a name fits a pattern in which ``*`` stands for any text and ``?`` for one character.

    Example:
        >>> fits_glob("work_email", "*_email")
        True
    """
    return _glob(pattern).fullmatch(name) is not None
