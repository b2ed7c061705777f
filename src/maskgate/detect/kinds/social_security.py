"""United States social security numbers: by the ranges that were and are given out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.characters import BLANKS, DASHES, Characters
from maskgate.detect.finder import Finder, before
from maskgate.detect.kinds.numbers import number_windows
from maskgate.detect.text import DIGIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.spans import Spans
    from maskgate.detect.text import Text

PATTERN = rf"[0-9]{{3}}(?:[{BLANKS}{DASHES}.][0-9]{{2}}[{BLANKS}{DASHES}.]|[0-9]{{2}})[0-9]{{4}}"
_NAMED = (
    r"(?i)(?:^|[^A-Za-z])(?:ssn|ss ?#|ss ?n(?:o|um|umber)|social(?:[ _]?security)?(?:[ _]?n(?:o|um|umber))?|soc\.? ?sec"
    r"|socsec|tax ?payer|tin)(?:[^0-9A-Za-z<>\x01][^0-9<>\x01]{0,31}|[\x22']?>)?$"
)
# The beginning of a telephone number.
_ABROAD = r"\+[0-9 ]+ $"
_FIRST_NOT_GIVEN = 900
_SIGNS = np.isin(np.arange(256), [ord(each) for each in "-.+"])


def is_given(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which numbers can have been given out."""
    digits = Characters.digits(text, spans, 9)
    area, group, serial = digits.number(0, 3), digits.number(3, 5), digits.number(5, 9)
    right = (area > 0) & (area != 666) & (area < _FIRST_NOT_GIVEN) & (group > 0) & (serial > 0)  # noqa: PLR2004
    return np.asarray(right)


def is_grouped_or_named(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which have two dashes or two blanks; without them the text before must say what they are."""
    separator, other = text.byte_at(spans.starts + 3), text.byte_at(spans.ends - 5)
    alike = (separator == other) | (separator > 127) & (other > 127)  # noqa: PLR2004  the last of ASCII
    accepted: NDArray[np.bool_] = ~DIGIT[separator] & (separator != ord(".")) & alike
    plain = np.flatnonzero(~accepted)
    accepted[plain] = before(text, spans.where(plain), _NAMED)
    return accepted


def is_alone(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which do not stand in a longer row of groups."""
    left, right = text.byte_at(spans.starts - 1), text.byte_at(spans.ends)
    longer = _SIGNS[left] & DIGIT[text.byte_at(spans.starts - 2)]
    longer |= _SIGNS[right] & DIGIT[text.byte_at(spans.ends + 1)]
    accepted = np.asarray(~longer)
    left_over = np.flatnonzero(accepted)
    accepted[left_over] = ~before(text, spans.where(left_over), _ABROAD, 12)
    return accepted


FINDERS = (Finder("ssn", PATTERN, number_windows, tests=(is_given, is_alone, is_grouped_or_named)),)
