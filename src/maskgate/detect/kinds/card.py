"""Payment card numbers: by issuer, length and check digit (ISO/IEC 7812-1, Luhn)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.characters import BLANKS, DASHES, Characters
from maskgate.detect.finder import Finder, before, behind, holds, is_end
from maskgate.detect.kinds.numbers import is_called_other, number_windows
from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT, WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

_SHORTEST, _LONGEST = 12, 19
_LONGEST_DIALLED = 15
_GAP = rf"[{BLANKS}]?[{BLANKS}{DASHES}._][{BLANKS}]?"
_FIRST = "(?:0604|[1-9][0-9]{3})"
PATTERN = (
    rf"{_FIRST}(?:{_GAP}[0-9]{{4}}){{2,4}}(?:{_GAP}[0-9]{{1,3}})?|{_FIRST}{_GAP}[0-9]{{6}}{_GAP}[0-9]{{4,5}}"
    rf"|{_FIRST}[0-9]{{8,15}}"
)

# First and last six digits of an issuer's numbers, and how long they are.
_ISSUERS: tuple[tuple[int, int, range], ...] = (
    (400000, 499999, range(13, 20, 3)),  # Visa
    (510000, 559999, range(16, 17)),  # Mastercard
    (222100, 272099, range(16, 17)),  # Mastercard
    (340000, 349999, range(15, 16)),  # American Express
    (370000, 379999, range(15, 16)),  # American Express
    (300000, 305999, range(14, 20)),  # Diners Club
    (309500, 309599, range(14, 20)),  # Diners Club
    (360000, 369999, range(14, 20)),  # Diners Club
    (380000, 399999, range(14, 20)),  # Diners Club
    (350000, 359999, range(16, 20)),  # JCB
    (180000, 180099, range(15, 16)),  # JCB of old
    (213100, 213199, range(15, 16)),  # JCB of old
    (220000, 220499, range(16, 20)),  # Mir
    (60400, 60499, range(12, 20)),  # Maestro
    (500000, 509999, range(12, 20)),  # Maestro
    (560000, 589999, range(12, 20)),  # Maestro
    (600000, 601099, range(16, 20)),  # RuPay
    (601100, 601199, range(16, 20)),  # Discover
    (601200, 619999, range(12, 20)),  # Maestro
    (620000, 629999, range(16, 20)),  # UnionPay
    (630000, 639999, range(12, 20)),  # Maestro
    (644000, 659999, range(16, 20)),  # Discover
    (660000, 699999, range(12, 20)),  # Maestro
    (810000, 829999, range(16, 20)),  # UnionPay, RuPay
    (860000, 860099, range(16, 17)),  # Uzcard
    (970400, 970499, range(16, 20)),  # Napas
    (979200, 979299, range(16, 17)),  # Troy
    (980400, 980499, range(16, 17)),  # Prostir
    (986000, 986099, range(16, 17)),  # Humo
)


def cut(text: Text, candidates: Spans) -> Spans:
    """Keep the longest beginning of each candidate, up to the end of a group, that is the number of a card."""
    digits = Characters.digits(text, candidates, _LONGEST)
    issued, valid = _issued(digits), _luhn(digits.letters)
    ends = candidates.starts.copy()
    for length in range(_SHORTEST, _LONGEST + 1):
        possible = np.flatnonzero(issued[:, length] & valid[:, length - 1] & (digits.counts >= length))
        end = candidates.starts[possible] + digits.places[possible, length - 1] + 1
        group_ends = is_end(text, end)
        ends[possible[group_ends]] = end[group_ends]
    return Spans(candidates.starts, ends)


def _issued(digits: Characters) -> NDArray[np.bool_]:
    """Say for each candidate and number of digits whether an issuer's cards begin so and are so long."""
    first = digits.number(0, 6)
    lengths = np.zeros((len(first), _LONGEST + 1), dtype=bool)
    for low, high, known in _ISSUERS:
        lengths[(first >= low) & (first <= high), known.start : known.stop : known.step] = True
    return lengths


def _luhn(letters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say for each candidate and each of its digits whether the digits up to there end with the right check digit."""
    digits = letters - np.uint8(ord("0"))
    doubled = 2 * digits - 9 * (digits > 4)  # noqa: PLR2004  two digits from here on
    even, odd = digits.copy(), digits.copy()
    even[:, 0::2], odd[:, 1::2] = doubled[:, 0::2], doubled[:, 1::2]
    # Doubled is every second digit from the last but one: of an even number of digits the first, third, and so on.
    sums = np.cumsum(odd, axis=1, dtype=np.uint8)
    sums[:, 1::2] = np.cumsum(even, axis=1, dtype=np.uint8)[:, 1::2]
    return np.asarray(sums % 10 == 0)


def is_alone(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are neither decimals of a number, nor before some, nor the last group of a UUID, nor dialled."""
    left, right = text.byte_at(spans.starts - 1), text.byte_at(spans.ends)
    before = text.byte_at(spans.starts - 2)
    decimals = np.isin(left, [ord("."), ord(",")]) & DIGIT[before]
    # Behind a comma and three digits it is one number of a list, and in groups too.
    listed = DIGIT[text.byte_at(spans.starts[:, None] - np.arange(2, 5))].all(axis=1)
    decimals &= (left == ord(".")) | ~(listed | ~DIGIT[text.byte_at(spans.starts + 4)])
    decimals |= (right == ord(".")) & DIGIT[text.byte_at(spans.ends + 1)]
    # A UUID's last group is as long as the shortest card.
    group = (left == ord("-")) & WORD[before] & (spans.ends - spans.starts == _SHORTEST)
    # A telephone number has fifteen digits at most, and no card a plus.
    dialled = (left == ord("+")) & (spans.ends - spans.starts <= _LONGEST_DIALLED)
    return np.asarray(~(decimals | group | dialled))


# Three groups of four, of which chance makes a card of one in some hundred, and what goes on with more of them.
_FEW_GROUPS = rf"^[0-9]{{4}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}(?:{_GAP}[0-9]{{1,2}})?$"
_GROUPS_BEFORE, _GROUP_BEHIND = rf"[0-9]{{4}}{_GAP}$", rf"^{_GAP}[0-9]{{4}}(?:[^0-9]|$)"
_ACCOUNT_BEFORE = rf"\b[A-Z]{{2}}[0-9]{{2}}(?:{_GAP}[0-9A-Z]{{4}})+{_GAP}$"
_SHORT_NUMBER = r"^[0-9]{12,14}$"


def is_no_part(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are not some of the groups of another number, nor short and called another."""
    grouped = ~DIGIT[text.byte_at(spans.starts + 4)]
    accepted = np.ones(len(spans), dtype=bool)
    groups, plain = np.flatnonzero(grouped), np.flatnonzero(~grouped)
    few = groups[holds(text, spans.where(groups), _FEW_GROUPS)]
    here = spans.where(few)
    accepted[few] = ~(before(text, here, _GROUPS_BEFORE, 8) | behind(text, here, _GROUP_BEHIND, 8))
    accepted[groups] &= ~before(text, spans.where(groups), _ACCOUNT_BEFORE)
    short = plain[holds(text, spans.where(plain), _SHORT_NUMBER)]
    accepted[short] = ~is_called_other(text, spans.where(short))
    return accepted


FINDERS = (Finder("card", PATTERN, number_windows, cut, (is_alone, is_no_part)),)
