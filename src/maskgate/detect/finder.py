"""How one kind of personal data is found inside of texts.

Cheap tests over all bytes say in which windows it may be. A pattern runs over those. What it matches are candidates:
each is then settled by what a pattern cannot say, such as a check digit, and either rejected, or accepted, maybe cut
short. What was rejected or cut off is looked through once more from its next word on, so that ``1234 4111 1111 ...``
does not hide the card behind the number. All of it is done for all candidates at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT, LETTER, WORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maskgate.detect.text import Text

# A candidate of several words can hide another one behind each of them.
_ROUNDS = 8
# The first word of a rejected candidate ends within so many bytes, or nothing else begins in it.
_FIRST_WORD = 48
_BEFORE = 48
_CAPITAL = LETTER & (np.arange(256) <= ord("Z"))
_SMALL = LETTER & ~_CAPITAL


@dataclass(frozen=True)
class Finder:
    """A way to find one kind of personal data.

    Attributes:
        kind: What it finds.
        pattern: In RE2's syntax; it matches no line break.
        windows: Says where in a text a match can be; the spans are merged.
        cut: Takes what the pattern matched, and returns as many spans: each the same, cut short, or empty if it is not
            what it looks like. None if what matches is neither too long nor to be looked at as a whole.
        tests: Each says which spans are what they look like; one that fails a test does not see the next.
    """

    kind: str
    pattern: str
    windows: Callable[[Text], Spans]
    cut: Callable[[Text, Spans], Spans] | None = None
    tests: tuple[Callable[[Text, Spans], NDArray[np.bool_]], ...] = ()

    def find(self, text: Text) -> Spans:
        """Return everything of this kind in a text, from left to right."""
        windows = self.windows(text)
        found = []
        for _ in range(_ROUNDS):
            candidates = text.matches(self.pattern, windows)
            if len(candidates) == 0:
                break
            settled = self._settle(text, candidates)
            accepted = settled.where(settled.ends > settled.starts)
            found.append(accepted)
            windows = _rest(text, windows, candidates, settled)
            if len(windows) and len(accepted):
                text = text.copy()
                text.take(accepted)
        return found[0] if len(found) == 1 else Spans.all_of(found).merged()

    def _settle(self, text: Text, candidates: Spans) -> Spans:
        settled = candidates if self.cut is None else self.cut(text, candidates)
        accepted = np.flatnonzero(settled.ends > settled.starts)
        for test in (is_whole, *self.tests):
            accepted = accepted[test(text, settled.where(accepted))]
        ends = settled.starts.copy()
        ends[accepted] = settled.ends[accepted]
        return Spans(settled.starts, ends)


def is_whole(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which spans neither begin nor end in the middle of a word or number."""
    left = WORD[text.byte_at(spans.starts)] & WORD[text.byte_at(spans.starts - 1)]
    right = WORD[text.byte_at(spans.ends - 1)] & ~is_end(text, spans.ends)
    return np.asarray(~(left | right))


def is_end(text: Text, places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say where a word or number ends: also where the next one follows without a blank, "123-45-6789Phone"."""
    ends: NDArray[np.bool_] = ~WORD[text.byte_at(places)]
    joined = np.flatnonzero(~ends & DIGIT[text.byte_at(places - 1)])
    following = text.byte_at(places[joined, None] + np.arange(3))
    ends[joined] = _CAPITAL[following[:, 0]] & _SMALL[following[:, 1:]].all(axis=1)
    return ends


def before(text: Text, spans: Spans, pattern: str, reach: int = _BEFORE) -> NDArray[np.bool_]:
    """Say before which spans a pattern matches the text, up to `reach` bytes of it and of the same cell."""
    return _matches(text, text.before(spans, reach), pattern)


def behind(text: Text, spans: Spans, pattern: str, reach: int = _BEFORE) -> NDArray[np.bool_]:
    """Say behind which spans a pattern matches the text."""
    return _matches(text, text.behind(spans, reach), pattern)


def holds(text: Text, spans: Spans, pattern: str) -> NDArray[np.bool_]:
    """Say inside of which spans a pattern matches."""
    return _matches(text, spans, pattern)


def _matches(text: Text, spans: Spans, pattern: str) -> NDArray[np.bool_]:
    matched: NDArray[np.bool_] = pc.match_substring_regex(text.pieces(spans), pattern).to_numpy(zero_copy_only=False)
    return matched


def _rest(text: Text, windows: Spans, candidates: Spans, settled: Spans) -> Spans:
    """Return where a rejected or shortened candidate may hide something: from there on to the end of its window."""
    shorter = settled.ends < candidates.ends
    candidates, settled = candidates.where(shorter), settled.where(shorter)
    letters = text.table(candidates, _FIRST_WORD)
    breaks = ~WORD[letters] & (letters > 0)
    breaks[:, :1] = False
    starts = np.where(settled.ends > settled.starts, settled.ends, candidates.starts + breaks.argmax(axis=1))
    more = starts > candidates.starts
    window = np.searchsorted(windows.starts, candidates.starts[more], side="right") - 1
    return Spans(starts[more], windows.ends[window]).merged()
