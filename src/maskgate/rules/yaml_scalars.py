"""What a scalar of a YAML 1.2 file means: nothing, true or false, a number that digests can carry, or text."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ruamel.yaml.events import ScalarEvent

# RFC 8785 digests carry integers as doubles: beyond this they are no longer exact.
MAX_INTEGER = 2**53 - 1

CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# A leading zero is kept as text: nobody who writes 007 means 7.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def is_plain(event: ScalarEvent) -> bool:
    """Say whether a scalar stands without quotes, and so may be more than text."""
    return event.style is None


def text_of(event: ScalarEvent) -> str:
    r"""Return the text of a scalar, whatever else it may mean.

    Raises:
        ValueError: If it is no text that can be written in UTF-8.

    Example:
        Two escapes that are halves of one character, as JSON writes it, are that character: ``"\ud83d\ude00"``.
    """
    text: str = event.value
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise ValueError(r"an escape stands for half a character. Write the other half, or \U with 8 digits") from None


def value_of(event: ScalarEvent) -> str | float | bool | None:
    """Return what a scalar means.

    Raises:
        ValueError: If it is a number that is too large, or no text; the message is for the author of the file.
    """
    text = text_of(event)
    if not is_plain(event):
        return text
    if text in CONSTANTS:
        return CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError("this number is too large. Quote it if it is text")
        return number
    return text


def whole(number: object) -> object:
    """Return a number without a fraction as an integer, and everything else as it is: 4.0 is a whole number."""
    if isinstance(number, float) and number.is_integer() and abs(number) <= MAX_INTEGER:
        return int(number)
    return number


def _integer(text: str) -> int:
    base = {"0x": 16, "0o": 8}.get(text[:2], 10)
    # No file needs more digits than this, and Python's own limit would raise.
    number = int(text, base) if len(text) <= 20 else MAX_INTEGER + 1  # noqa: PLR2004  digits of 2^53, generously
    if abs(number) > MAX_INTEGER:
        raise ValueError("this number is too large. Whole numbers go up to 2^53; quote it if it is text")
    return number
