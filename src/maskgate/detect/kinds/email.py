"""E-mail addresses, with names and domains in any script (RFC 5321, 6531)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.detect.finder import Finder, holds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maskgate.detect.spans import Spans
    from maskgate.detect.text import Text

# Letters, digits and accents of all scripts: everything beyond ASCII that is no blank, punctuation or drawing.
ABROAD = (
    r"\x{AA}\x{B5}\x{BA}\x{C0}-\x{1FFF}\x{200C}\x{200D}\x{2C00}-\x{2DFF}\x{3005}-\x{3007}\x{3031}-\x{FD3D}"
    r"\x{FE70}-\x{FEFC}\x{10000}-\x{1EFFF}\x{20000}-\x{E01EF}"
)
_LETTER = f"0-9A-Za-z{ABROAD}"
_NAME = rf"[{_LETTER}_][{_LETTER}_.%+&'!#$~*^-]*"
# "bounces+ann=example.com@lists.example" carries a second address.
_CARRIED = rf"[{_LETTER}_][{_LETTER}_.%+-]*\+[{_LETTER}_.%+-]+="
_LABEL = f"[{_LETTER}](?:[{_LETTER}_-]*[{_LETTER}])?"
_TOP = f"(?:[A-Za-z{ABROAD}]{{2,}}|[Xx][Nn]--[0-9A-Za-z-]+)"
PATTERN = (
    rf"(?:(?:{_CARRIED})?{_NAME}|\"[^\"\s@]+\")@"
    rf"(?:(?:{_LABEL}[.\x{{3002}}\x{{FF0E}}])+{_TOP}|\[(?:IPv6:)?[0-9A-Fa-f.:]+\])"
)
# The names of pictures for screens of several densities, such as "logo@2x.png".
_PICTURE = r"@[1-4]x\.[a-z]{3,4}$"


def windows(text: Text) -> Spans:
    """Return the stretches without blanks that have an at sign in them."""
    return text.words_around(text.places_of("@"))


def is_no_picture(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are not the name of a picture."""
    return ~holds(text, spans, _PICTURE)


FINDERS = (Finder("email", PATTERN, windows, tests=(is_no_picture,)),)
