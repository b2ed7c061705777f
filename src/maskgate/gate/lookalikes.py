"""Characters that can be taken for plain ones: a requester's `prod` may hold an o of another script.

Names that requesters write freely are shown as they are, and beside them which of their characters are not what they
seem: letters of scripts that look like ours, a slash that is none, a mark over a letter. Scripts that nobody takes for
plain letters are left alone, and so are letters with an accent of their own.
"""

from __future__ import annotations

import unicodedata

_ALIKE = (
    *("ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "FULLWIDTH", "GREEK", "LATIN", "LISU", "MATHEMATICAL"),
    "MODIFIER",
)
_MOST = 5


def lookalikes(text: str) -> list[str]:
    r"""Name the characters of a text that can be taken for plain letters, digits or signs.

    Example:
        >>> [ascii(each) for each in lookalikes("pr\u043ed/caf\u00e9/\u5ba2")]
        ["'\\u043e is U+043E, cyrillic small letter o'"]
    """
    found = [letter for letter in dict.fromkeys(text) if not letter.isascii() and not _is_plain(letter)]
    named = [f"{each} is U+{ord(each):04X}, {unicodedata.name(each, 'without a name').lower()}" for each in found]
    beyond = len(named) - _MOST
    return [*named[:_MOST], *([f"and {beyond} more"] if beyond > 0 else [])]


def _is_plain(letter: str) -> bool:
    base = unicodedata.normalize("NFD", letter)[0]
    is_letter = unicodedata.category(letter)[0] == "L"
    return is_letter and (base.isascii() or not unicodedata.name(letter, "").startswith(_ALIKE))
