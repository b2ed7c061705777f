"""E-mail addresses, with names and domains in any script (RFC 5321, 6531)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.detect.characters import ABROAD, LATIN, SPACED, UNSPACED
from maskgate.detect.finder import Finder, holds
from maskgate.detect.spans import Spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

_SIGNS = r"_.%+&'!#$~*^-"
_LETTER = f"0-9A-Za-z{SPACED}"
# Where words go on without a blank, a name in other letters right behind them begins by itself.
_NAME = rf"(?:[{_LETTER}_][{_LETTER}{_SIGNS}]*|[{UNSPACED}][{UNSPACED}{_SIGNS}]*)"
# "bounces+ann=example.com@lists.example" carries a second address.
_CARRIED = rf"[{_LETTER}_][{_LETTER}_.%+-]*\+[{_LETTER}_.%+-]+="
_QUOTED = rf"\"[{_LETTER}{UNSPACED}_](?:[^\"\n\x01@]*[^\"\s\x01@:,;\[{{(])?\""
_POINT = r"[.\x{3002}\x{FF0E}]"
_TOP = rf"(?:[Xx][Nn]--[0-9A-Za-z-]*[0-9A-Za-z]|[A-Za-z{LATIN}]{{2,}}|[{SPACED}-]{{2,}}|[{UNSPACED}]{{2,}})"
# First as if no label had letters of both sorts, or "ann@example.com" would not end before a word without a blank.
_UNMIXED = rf"(?:(?:[{_LETTER}][{_LETTER}_-]*|[{UNSPACED}][0-9{UNSPACED}-]*){_POINT})+{_TOP}"
_MIXED = rf"(?:(?:[0-9A-Za-z{ABROAD}_-]|%[89A-Fa-f][0-9A-Fa-f])+{_POINT})+{_TOP}"
PATTERN = rf"(?:(?:{_CARRIED})?{_NAME}|{_QUOTED})@(?:{_UNMIXED}|{_MIXED}|\[(?:IPv6:)?[0-9A-Fa-f.:]+\])"
_LONGEST_NAME = 66
# The names of pictures for screens of several densities, such as "logo@2x.png".
_PICTURE = r"@[1-4]x\.[a-z]{3,4}$"


def windows(text: Text) -> Spans:
    """Return the stretches without blanks that have an at sign in them, and what stands in quotes before one."""
    signs = text.places_of("@")
    quoted = signs[text.byte_at(signs - 1) == ord('"')]
    if len(quoted) == 0:
        return text.words_around(signs)
    return Spans.all_of([text.words_around(signs), Spans(quoted - _LONGEST_NAME, quoted)]).merged()


def cut(text: Text, candidates: Spans) -> Spans:
    """Cut off an underscore that begins italics, and is not of the address."""
    underscore = ord("_")
    italic = (text.byte_at(candidates.starts) == underscore) & (text.byte_at(candidates.ends) == underscore)
    return Spans(candidates.starts + italic, candidates.ends)


def is_no_picture(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are not the name of a picture."""
    return ~holds(text, spans, _PICTURE)


FINDERS = (Finder("email", PATTERN, windows, cut, (is_no_picture,)),)
