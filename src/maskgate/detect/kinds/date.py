"""Calendar dates, in numbers (ISO 8601 and local orders) or with the name of the month, and with the time behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.finder import Finder, holds
from maskgate.detect.kinds.versions import is_no_version, is_of_no_program
from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

_YEAR = "(?:1[6-9]|20|21)[0-9]{2}"
_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_TWO = "(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = (
    r"(?:(?:[T ]|, ?)(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_NAMES = (
    "jan(?:uary|uar|\\.)?|feb(?:ruary|ruar|\\.)?|mar(?:ch|\\.)?|m[aä]rz|mrz|apr(?:il|\\.)?|ma[iy]|jun[ei]?|jul[iy]?"
    "|aug(?:ust|\\.)?|sep(?:t(?:ember)?)?\\.?|o[ck]t(?:ober|\\.)?|nov(?:ember|\\.)?|de[cz](?:ember|\\.)?"
    "|janvier|f[eé]vrier|mars|avril|juin|juillet|ao[uû]t|septembre|octobre|novembre|d[eé]cembre"
    "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
)
_NUMBERS = (
    rf"{_YEAR}-{_MONTH}-{_DAY}|{_YEAR}/{_MONTH}/{_DAY}|{_YEAR}\.{_MONTH}\.{_DAY}"
    rf"|(?:{_DAY}/{_MONTH}|{_MONTH}/{_DAY})/(?:{_YEAR}|[0-9]{{2}})|{_DAY}\.{_MONTH}\.(?:{_YEAR}|[0-9]{{2}})"
    rf"|(?:{_DAY}-{_MONTH}|{_MONTH}-{_DAY})-{_YEAR}"
)
# Days that no month has.
_NEVER = (
    r"^(?:[0-9]{4}[-/.](?:0?2[-/.]3[01]|(?:0?[469]|11)[-/.]31)|(?:3[01]\.0?2|31\.(?:0?[469]|11))\."
    r"|3[01](?:st|th)?[. a-z-]*(?i:feb))"
)
_DAY_FIRST = rf"{_DAY}(?:st|nd|rd|th|\.)?(?: of| de)?[ -](?i:{_NAMES})(?:,? (?:de )?|[ -]){_YEAR}"
_MONTH_FIRST = rf"(?i:{_NAMES}) {_DAY}(?:st|nd|rd|th)?,? {_YEAR}"
_BASIC = rf"{_YEAR}(?:0[1-9]|1[0-2]){_TWO}T[0-2][0-9][0-5][0-9](?:[0-5][0-9])?Z?"
PATTERN = rf"\b(?:(?:{_NUMBERS}){_CLOCK}|{_DAY_FIRST}|{_MONTH_FIRST}|{_BASIC})\b"
_SHORT = r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}$"
_SIGNS = np.isin(np.arange(256), [ord(each) for each in "-./"])
_LEFT, _RIGHT = 20, 44


def windows(text: Text) -> Spans:
    """Return what is around numbers of four digits, and of two of which a sign is before and one number more."""
    starts, ends = text.landmarks.digit_runs.starts, text.landmarks.digit_runs.ends
    lengths = ends - starts
    year = (lengths == 4) | (lengths == 8)  # noqa: PLR2004  a year, or a whole date
    year |= (lengths == 2) & _SIGNS[text.byte_at(starts - 1)] & DIGIT[text.byte_at(starts - 2)]  # noqa: PLR2004
    return Spans(starts[year] - _LEFT, ends[year] + _RIGHT).merged()


def is_alone(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are rows of no more than three numbers."""
    left, right = text.byte_at(spans.starts - 1), text.byte_at(spans.ends)
    longer = _SIGNS[left] & DIGIT[text.byte_at(spans.starts - 2)]
    longer |= _SIGNS[right] & DIGIT[text.byte_at(spans.ends + 1)]
    return np.asarray(~longer)


def is_possible(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which days there are in some year."""
    return ~holds(text, spans, _NEVER)


def is_a_day(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are no version: of those with points and two digits for the year, whatever else could be one."""
    accepted = np.ones(len(spans), dtype=bool)
    short = np.flatnonzero(holds(text, spans, _SHORT))
    doubtful = spans.where(short)
    accepted[short] = is_no_version(text, doubtful) & is_of_no_program(text, doubtful)
    return accepted


FINDERS = (Finder("date", PATTERN, windows, tests=(is_alone, is_possible, is_a_day)),)
