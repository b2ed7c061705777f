"""Text by strangers, made harmless inside Markdown.

The host shows the question's body as Markdown. Names of tables and columns, and what the requester wrote, come from
people who may want the reviewer to read something else: a button, a link, a heading, text that runs backwards.
"""

from __future__ import annotations

import string
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def visible(text: str, at_most: int) -> str:
    r"""Keep the characters that show as themselves, on one line, and not too many of them.

    Control and format characters go, among them those that turn the direction of writing round or take no room.

    Example:
        >>> visible("in\u202evoice  \n two", 40)
        'invoice two'
    """
    spaced = "".join(" " if letter.isspace() else letter for letter in text)
    kept = "".join(letter for letter in spaced if unicodedata.category(letter) not in _UNSEEN)
    line = " ".join(kept.split())
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"


def visible_lines(text: str) -> str:
    r"""Keep the characters that show as themselves, with spaces and line ends where they are.

    Example:
        >>> visible_lines("if x:\r\n\treturn\u202e 1")
        'if x:\n    return 1'
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(letter for letter in unified if letter == "\n" or unicodedata.category(letter) not in _UNSEEN)


def escaped(text: str, at_most: int = 200) -> str:
    r"""Write text so that Markdown, HTML and templates show it and do not act on it.

    Every ASCII punctuation character gets a backslash, which CommonMark allows for all of them. That also breaks
    automatic links, because their ``:``, ``.`` and ``@`` are not bare any more.

    Example:
        >>> escaped("<b>[Approve](http://x)")
        '\\<b\\>\\[Approve\\]\\(http\\:\\/\\/x\\)'
    """
    return "".join(f"\\{letter}" if letter in string.punctuation else letter for letter in visible(text, at_most))
