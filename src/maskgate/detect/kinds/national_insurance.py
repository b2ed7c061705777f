"""United Kingdom national insurance numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.detect.finder import Finder
from maskgate.detect.spans import Spans
from maskgate.detect.text import LETTER

if TYPE_CHECKING:
    from maskgate.detect.text import Text

# QQ is never given out, but is what every example begins with; BG, GB, KN, NK, NT, TN and ZZ are not used either.
_PREFIX = (
    "(?:A[A-CEGHJ-NPR-TW-Z]|B[A-CEHJ-NPR-TW-Z]|[CEHJ-MOPRSW-Y][A-CEGHJ-NPR-TW-Z]|G[ACEGHJ-NPR-TW-Z]"
    "|N[A-CEGHJLMNPRSW-Z]|T[A-CEGHJ-MPR-TW-Z]|Z[A-CEGHJ-NPR-TW-Y]|QQ)"
)
PATTERN = rf"{_PREFIX}(?: ?[0-9]{{2}}){{3}} ?[A-D]|{_PREFIX}(?:-[0-9]{{2}}){{3}}-[A-D]"
_LONGEST = 13


def windows(text: Text) -> Spans:
    """Return where a letter stands before digits, maybe with a blank or dash between."""
    starts = text.landmarks.digit_runs.starts
    lettered = LETTER[text.byte_at(starts - 1)] | LETTER[text.byte_at(starts - 2)]
    starts = starts[lettered]
    return Spans(starts - 4, starts + _LONGEST).merged()


FINDERS = (Finder("nino", PATTERN, windows),)
