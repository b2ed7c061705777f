"""Calendar dates, in numbers (ISO 8601 and local orders) or with the name of the month, and with the time behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.finder import Finder, before, holds
from maskgate.detect.kinds.versions import is_no_version, is_of_no_program
from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT, WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

_YEAR = "(?:1[6-9]|20|21)[0-9]{2}"
_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_TWO = "(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = (
    r"(?:(?:[T ]|, ?| at )(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?: ?[AaPp]\.?[Mm]\b)?"
    r"(?:Z| ?[+-][0-9]{2}:?[0-9]{2}| (?:UTC|GMT)\b)?)?"
)
_SHORT_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_NAMES = (
    "jan(?:uary|uar[iy]?|\\.)?|feb(?:ruary|ruar[iy]?|\\.)?|mar(?:ch|\\.)?|m[aä]rz|mrz|apr(?:il|\\.)?|ma[ijy]|jun[ei]?|jul[iy]?"
    "|aug(?:ust(?:us|i)?|\\.)?|sep(?:t(?:ember)?)?\\.?|o[ck]t(?:ober|\\.)?|nov(?:ember|\\.)?|de[csz](?:ember|\\.)?"
    "|janvier|f[eé]vrier|mars|avril|juin|juillet|ao[uû]t|septembre|octobre|novembre|d[eé]cembre"
    "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    "|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|maart|mei|maret|agustus"
    "|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|dezembro"
    "|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia"
    "|(?:tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu)kuuta"
    "|ledna|února|března|dubna|května|června|července|srpna|září|října|listopadu|prosince"
    "|ianuarie|februarie|martie|aprilie|iunie|iulie|septembrie|octombrie|noiembrie|decembrie"
    "|ocak|şubat|mart|nisan|may\\x{131}s|haziran|temmuz|ağustos|eylül|ekim|kas\\x{131}m|aral\\x{131}k"
    "|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
    "|січня|лютого|березня|квітня|травня|червня|липня|серпня|вересня|жовтня|листопада|грудня"
    "|ιανουαρίου|φεβρουαρίου|μαρτίου|απριλίου|μαΐου|ιουνίου|ιουλίου|αυγούστου|σεπτεμβρίου|οκτωβρίου|νοεμβρίου|δεκεμβρίου"
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
_DAY_FIRST = (
    rf"{_DAY}(?:st|nd|rd|th|er|\.|\x{{BA}})?(?: of| de)?[ -](?i:{_NAMES})(?:,? (?:de )?|[ -]){_YEAR}"
    rf"|{_DAY}-(?i:{_SHORT_NAMES})-[0-9]{{2}}|{_TWO}(?i:{_SHORT_NAMES}){_YEAR}"
    rf"|{_TWO}/(?i:{_SHORT_NAMES})/{_YEAR}(?::[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?: [+-][0-9]{{4}})?)?"
)
_MONTH_FIRST = rf"(?i:{_NAMES})[ -]{_DAY}(?:st|nd|rd|th)?(?:,? |-){_YEAR}"
_BASIC = rf"{_YEAR}(?:0[1-9]|1[0-2]){_TWO}T[0-2][0-9][0-5][0-9](?:[0-5][0-9])?Z?"
_EAST = (
    rf"{_YEAR}(?:年|년) ?{_MONTH}(?:月|월) ?{_DAY}(?:日|일)|{_YEAR}\. (?:janu|febru|márci|ápri|máj|júni|júli|auguszt"
    rf"|szeptemb|októb|novemb|decemb)[a-zéáúó]{{1,3}} {_DAY}\.|{_DAY} tháng {_MONTH},? năm {_YEAR}"
)
PATTERN = rf"\b(?:(?:{_NUMBERS}|{_DAY_FIRST}|{_MONTH_FIRST}){_CLOCK}|{_BASIC})\b|{_EAST}"
_SHORT = r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}$"
# In words that follow each other, and in names of fields: "date_of_birth=".
_CALLED = (
    r"(?i)(?:^|[^\p{L}])(?:date|dob|born|birth(?:day|date)?|datum|geb(?:oren|urtsdatum|urtstag)?|am|on|at|since|from|until"
    r"|till|vom|bis|seit|fecha|naci(?:do|da|miento)|data|n[ée]e?|naissance|nascita|dated|day)[ :=\x22']*$"
)
_SIGNS = np.isin(np.arange(256), [ord(each) for each in "-./"])
_LEFT, _RIGHT = 32, 44


def windows(text: Text) -> Spans:
    """Return what is around numbers of four digits, and of two with a sign before and something more before that."""
    starts, ends = text.landmarks.digit_runs.starts, text.landmarks.digit_runs.ends
    lengths = ends - starts
    year = (lengths == 4) | (lengths == 8)  # noqa: PLR2004  a year, or a whole date
    year |= (lengths == 2) & _SIGNS[text.byte_at(starts - 1)] & WORD[text.byte_at(starts - 2)]  # noqa: PLR2004
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
    """Say which are no version: of those with points and a year of two digits, what is called a day or no version."""
    accepted = np.ones(len(spans), dtype=bool)
    short = np.flatnonzero(holds(text, spans, _SHORT))
    doubtful = spans.where(short)
    no_version = is_no_version(text, doubtful) & is_of_no_program(text, doubtful)
    accepted[short] = no_version | before(text, doubtful, _CALLED, 24)
    return accepted


FINDERS = (Finder("date", PATTERN, windows, tests=(is_alone, is_possible, is_a_day)),)
