"""Why a text is no YAML, in words for whoever wrote it.

* A line ends where an editor shows that it ends. Older YAML broke lines at U+0085 and U+2028 too: what an editor shows
  as the rest of a comment would count.
* No directive, known or not, changes what follows.
* A message holds the parser's words, never the text: the file may be anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maskgate.errors import Problem

if TYPE_CHECKING:
    from ruamel.yaml.error import YAMLError

# What YAML 1.2 prints, without the two line ends that it gave up, and the mark of the byte order.
_NOT_ALLOWED = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_DIRECTIVE = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?[\r\n])*%")
_ESCAPE = re.compile(r"\\U(?!000[0-9A-Fa-f]|0010)[0-9A-Fa-f]{8}")
_LINE_END = re.compile(r"\r\n|\n|\r")

# What would be right, by what the parser says.
_ADVICE = (
    (r"'\t' that cannot start", "Indent with spaces, not with tabs."),
    ("that cannot start", "Quote the text that begins with it."),
    ("mapping values are not allowed", "Quote a text with a colon in it, and indent the entries of a mapping alike."),
    (
        "could not find expected ':'",
        "Every entry of a mapping is written `name: value`; a name that begins with a star stands in quotes.",
    ),
    ("expected ',' or", "Part entries with commas, quote what has a bracket in it, and close every bracket."),
    ("expected the node content", "Write a value here, and close every bracket and brace."),
    ("expected <block end>", "Indent the entries of a mapping, or of a list, alike."),
    ("unexpected end of stream", "Close the quote."),
    ("unknown escape", "Write a backslash twice, or use single quotes."),
)


def unreadable_problem(text: str) -> Problem | None:
    """Say why a text cannot be read as YAML that says one thing only, as far as its characters go."""
    found = _NOT_ALLOWED.search(text)
    if found:
        return Problem(
            f"this is not YAML: the character U+{ord(found[0]):04X} is not allowed. "
            "Take it out, or write it as an escape in double quotes.",
            _line(text, found.start()),
        )
    directive = _DIRECTIVE.match(text)
    if directive:
        return Problem(
            "directives (%YAML, %TAG) are not allowed. Take them out; the file is read as YAML 1.2.",
            _line(text, directive.end()),
        )
    return None


def syntax_problem(error: YAMLError) -> Problem:
    """Say why the parser stopped."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    # Only the parser's own words: the snippet it keeps beside them may be anything, if this is no YAML file.
    words = getattr(error, "problem", None) or "it cannot be parsed"
    advice = next((f" {advice}" for said, advice in _ADVICE if said in words), "")
    return Problem(f"this is not YAML: {words}.{advice}", None if mark is None else mark.line + 1)


def escape_problem(text: str, start: int) -> Problem:
    """Say that an escape stands for no character.

    Args:
        text: The file.
        start: Up to where all was well.
    """
    found = _ESCAPE.search(text, start)
    return Problem(
        r"this is not YAML: an escape stands for no character. \U goes up to 0010FFFF.",
        None if found is None else _line(text, found.start()),
    )


def _line(text: str, at: int) -> int:
    return len(_LINE_END.findall(text, 0, at)) + 1
