"""Text of other people, made harmless to look at."""

from __future__ import annotations

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def plain(text: object, *, longest: int = 120, lines: bool = False) -> str:
    """Keep only characters that show as themselves, and not too many of them.

    Control and format characters go, among them those that turn the direction of writing round or show nothing.

    Args:
        text: Anything; its text is taken.
        longest: How many characters may stay.
        lines: Whether line ends may stay.

    Example:
        >>> plain("part\u202eren\u200b")
        'partren'
    """
    wanted = "\n" if lines else ""
    unified = str(text).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(each for each in unified if each in wanted or unicodedata.category(each) not in _INVISIBLE)
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"
