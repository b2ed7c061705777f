"""IP addresses, version 4 (dotted) and version 6 (RFC 4291, 5952)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.finder import Finder, before, holds
from maskgate.detect.kinds.versions import is_no_version
from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT, WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PADDED = "(?:25[0-5]|2[0-4][0-9]|[01][0-9][0-9])"
V4 = rf"(?:(?:{_PADDED}\.){{3}}{_PADDED}|(?:{_BYTE}\.){{3}}{_BYTE})"

_GROUP = "[0-9A-Fa-f]{1,4}"
_COMPRESSED = "|".join(f"(?:{_GROUP}:){{1,{left}}}(?::{_GROUP}){{1,{7 - left}}}" for left in range(1, 7))
_V6 = (
    rf"(?:{_GROUP}:){{7}}{_GROUP}|{_COMPRESSED}|(?:{_GROUP}:){{1,7}}:|:(?::{_GROUP}){{1,7}}"
    rf"|(?:::(?:[Ff]{{4}}(?::0{{1,4}})?:)?|64:[Ff]{{2}}9[Bb]::|(?:{_GROUP}:){{1,4}}:(?:{_GROUP}:){{0,4}}|(?:{_GROUP}:){{6}}){V4}"
)
# As long as it goes; what of it is an address is settled after.
_RUN = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:\.[0-9]{1,3}){0,3}(?:%[0-9A-Za-z]{1,15})?"
_EXACTLY_V6 = rf"^(?:{_V6})(?:%[0-9A-Za-z]+)?$"
# Five digits are no group of an address, and neither are digits behind eight groups.
_PORT = 5
_PORTED = rf":[0-9]{{{_PORT}}}$|^(?:{_GROUP}:){{8}}[0-9]{{2,4}}$"
# "::1" is one, but "a::b" and "[1::2]" are names and slices of programs: a group of three, and a digit, or more groups.
_TELLING = (
    r"(?i)^::1(?:%.*)?$|[0-9a-f]{3}.*[0-9]|[0-9].*[0-9a-f]{3}|[0-9][0-9a-f]{2}|[0-9a-f]:[0-9a-f]+:.*[0-9a-f]|^f[cdef]"
)
# Before a colon these are numbers that it belongs to; "IP:" and "ipv6:" are not.
_GROUPS_BEFORE = r"(?:^|[^0-9A-Za-z])[0-9A-Fa-f]+:$|:[0-9A-Fa-f]{0,4}:$|[0-9]{3}:$"
_JOINED_LEFT = np.isin(np.arange(256), [ord(each) for each in ".:"]) | WORD
_POINT, _COLON = ord("."), ord(":")


def v4_windows(text: Text) -> Spans:
    """Return where four short numbers stand in a row, with one point between any two."""
    starts, ends = text.landmarks.digit_runs.starts, text.landmarks.digit_runs.ends
    if len(starts) < 4:  # noqa: PLR2004  four bytes
        return Spans.none()
    pointed = (starts[1:] - ends[:-1] == 1) & (text.byte_at(ends[:-1]) == _POINT)
    row = pointed[:-2] & pointed[1:-1] & pointed[2:]
    return Spans(starts[:-3][row], ends[3:][row]).merged()


def is_alone_v4(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are rows of exactly four numbers."""
    left, right = text.byte_at(spans.starts - 1), text.byte_at(spans.ends)
    longer = (left == _POINT) & WORD[text.byte_at(spans.starts - 2)]
    longer |= (right == _POINT) & DIGIT[text.byte_at(spans.ends + 1)]
    return np.asarray(~longer)


def v6_windows(text: Text) -> Spans:
    """Return where two colons stand close together."""
    colons = text.places_of(":")
    close = np.flatnonzero(np.diff(colons) <= 5)  # noqa: PLR2004  four digits between
    return Spans(colons[close] - 5, colons[close + 1] + 36).merged()


def cut_v6(text: Text, candidates: Spans) -> Spans:
    """Cut off colons that belong to the sentence, and a port that can be no group of the address."""
    starts, ends = candidates.starts, candidates.ends
    starts = starts + ((text.byte_at(starts) == _COLON) & (text.byte_at(starts + 1) != _COLON))
    sentence = (text.byte_at(ends - 1) == _COLON) & (text.byte_at(ends - 2) != _COLON)
    ends = ends - _port_widths(text, Spans(starts, ends))
    return Spans(starts, np.maximum(ends - sentence, starts))


def _port_widths(text: Text, spans: Spans) -> NDArray[np.int64]:
    """Return how many bytes at the end are a colon and a port, where nobody put the address in brackets."""
    widths = np.zeros(len(spans), np.int64)
    ported = np.flatnonzero(holds(text, spans, _PORTED))
    digits = np.ones(len(ported), np.bool_)
    for back in range(1, 1 + _PORT):
        digits &= DIGIT[text.byte_at(spans.ends[ported] - back)]
        widths[ported] += digits
    widths[ported] += 1
    return widths


def is_v6(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are written as an address can be, and hardly anything else."""
    return holds(text, spans, _EXACTLY_V6) & holds(text, spans, _TELLING)


def is_alone_v6(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which do not go on to the left."""
    left = text.byte_at(spans.starts - 1)
    accepted = ~_JOINED_LEFT[left]
    labelled = np.flatnonzero(left == _COLON)
    accepted[labelled] = ~before(text, spans.where(labelled), _GROUPS_BEFORE, 8)
    return np.asarray(accepted)


FINDERS = (
    Finder("ip", _RUN, v6_windows, cut_v6, (is_alone_v6, is_v6)),
    Finder("ip", V4, v4_windows, tests=(is_alone_v4, is_no_version)),
)
