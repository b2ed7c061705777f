"""United States social security numbers: by the ranges that were and are given out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.characters import BLANKS, DASHES, Characters
from maskgate.detect.finder import Finder, before, only
from maskgate.detect.kinds.numbers import number_windows
from maskgate.detect.text import DIGIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.spans import Spans
    from maskgate.detect.text import Text

PATTERN = rf"[0-9]{{3}}(?:[{BLANKS}{DASHES}.][0-9]{{2}}[{BLANKS}{DASHES}.]|[0-9]{{2}})[0-9]{{4}}\b"
_NAMED = r"(?i)\b(?:ssn|ss#|ss ?no|social|soc\.? ?sec|socsec|tax ?payer|tin)\b[^0-9<>]{0,32}$"
_FIRST_NOT_GIVEN = 900
_SECTION_SIGNS = np.isin(np.arange(256), [ord(each) for each in "-.+"])


def settle(text: Text, candidates: Spans) -> Spans:
    """Keep numbers that can have been given out; without dashes or blanks only if the text says what they are."""
    digits = Characters.digits(text, candidates, 9)
    area, group, serial = digits.number(0, 3), digits.number(3, 5), digits.number(5, 9)
    given = (area > 0) & (area != 666) & (area < _FIRST_NOT_GIVEN) & (group > 0) & (serial > 0)  # noqa: PLR2004
    candidates = only(candidates, given & ~_part_of_more(text, candidates))
    plain = np.flatnonzero((candidates.ends > candidates.starts) & ~_is_grouped(text, candidates))
    ends = candidates.ends.copy()
    unnamed = plain[~before(text, candidates.where(plain), _NAMED)]
    ends[unnamed] = candidates.starts[unnamed]
    return type(candidates)(candidates.starts, ends)


def _is_grouped(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which have dashes or blanks, and not points or nothing."""
    separator = text.byte_at(spans.starts + 3)
    return np.asarray(~DIGIT[separator] & (separator != ord(".")))


def _part_of_more(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which stand in a longer row of groups."""
    left, right = text.byte_at(spans.starts - 1), text.byte_at(spans.ends)
    longer_left = _SECTION_SIGNS[left] & DIGIT[text.byte_at(spans.starts - 2)]
    longer_right = _SECTION_SIGNS[right] & DIGIT[text.byte_at(spans.ends + 1)]
    spaced = text.byte_at(spans.starts + 3) == ord(" ")
    among_left = spaced & (left == ord(" ")) & DIGIT[text.byte_at(spans.starts - 2)]
    among_right = spaced & (right == ord(" ")) & DIGIT[text.byte_at(spans.ends + 1)]
    return np.asarray(longer_left | longer_right | among_left | among_right)


FINDERS = (Finder("ssn", PATTERN, number_windows, settle),)
