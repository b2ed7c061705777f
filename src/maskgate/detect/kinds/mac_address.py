"""Addresses of network interfaces (IEEE 802 MAC-48 and EUI-64)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.finder import Finder
from maskgate.detect.spans import Spans
from maskgate.detect.text import WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

_PAIR, _FOUR = "[0-9A-Fa-f]{2}", "[0-9A-Fa-f]{4}"
PATTERN = (
    rf"{_PAIR}(?::{_PAIR}){{5}}(?:(?::{_PAIR}){{2}})?|{_PAIR}(?:-{_PAIR}){{5}}(?:(?:-{_PAIR}){{2}})?"
    rf"|{_FOUR}\.{_FOUR}\.{_FOUR}"
)
_JOINS = np.isin(np.arange(256), [ord(each) for each in ":-."])


def windows(text: Text) -> Spans:
    """Return where five colons or dashes stand three apart from each other, or two points five apart."""
    found = []
    for separator, apart, count in ((":", 3, 5), ("-", 3, 5), (".", 5, 2)):
        places = text.places_of(separator)
        if len(places) >= count:
            reach = apart * (count - 1)
            first = np.flatnonzero(places[count - 1 :] - places[: len(places) - count + 1] == reach)
            starts = places[first]
            found.append(Spans(starts - apart, starts + reach + 3 * apart))
    return Spans.all_of(found).merged()


def is_alone(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are rows of just so many groups."""
    left, right = text.byte_at(spans.starts - 1), text.byte_at(spans.ends)
    longer = _JOINS[left] & WORD[text.byte_at(spans.starts - 2)]
    longer |= _JOINS[right] & WORD[text.byte_at(spans.ends + 1)]
    return np.asarray(~longer)


FINDERS = (Finder("mac", PATTERN, windows, tests=(is_alone,)),)
