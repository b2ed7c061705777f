"""Patterns of personal data, with validators, run over whole Arrow columns.

The patterns are RE2's, so none of them can be made slow by hostile text. What a pattern cannot say, such as a check
digit, is computed on the cells that match it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_CHECKED = 10_000


@dataclass(frozen=True)
class Pattern:
    """How cells that hold one kind of data look.

    Attributes:
        kind: What they hold.
        pattern: An RE2 pattern with one group, ``found``, which the validator gets.
        share: From which share of the non-empty cells on the column is said to hold it.
        valid: Takes what was found, and returns the share of it that is valid; None if the pattern says it all.
        hint: Text that every match has in it, and that is cheaper to look for.
    """

    kind: str
    pattern: str
    share: float
    valid: Callable[[pa.Array], float] | None = None
    hint: str = ""

    def occurs(self, cells: pa.Array, present: int) -> bool:
        """Say whether enough of the cells match; `present` counts those that are neither null nor blank."""
        if present == 0:
            return False
        if self.hint:
            cells = cells.filter(pc.match_substring(cells, self.hint))
        matching = pc.fill_null(pc.match_substring_regex(cells, self.pattern), fill_value=False)
        hits = pc.sum(matching).as_py() or 0
        if hits == 0 or hits < self.share * present:
            return False
        if self.valid is None:
            return True
        found = pc.struct_field(pc.extract_regex(cells.filter(matching), self.pattern), "found")
        step = max(1, len(found) // _MOST_CHECKED)
        checked = found.take(pa.array(np.arange(0, len(found), step)))
        return bool(hits * self.valid(checked) >= self.share * present)


def _luhn(numbers: pa.Array) -> float:
    """Return the share of card numbers whose check digit is right."""
    longest = 19
    digits = pc.utf8_lpad(pc.replace_substring_regex(numbers, "[ -]", ""), longest, "0").cast(pa.binary(longest))
    letters = np.frombuffer(digits.buffers()[1], np.uint8)[digits.offset * longest :][: len(digits) * longest]
    matrix = letters.reshape(-1, longest).astype(np.int64) - ord("0")
    doubled = matrix[:, -2::-2] * 2
    total = matrix[:, -1::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)  # noqa: PLR2004  Luhn's nine
    return float(np.mean(total % 10 == 0))


def _mod_97(accounts: pa.Array) -> float:
    """Return the share of account numbers whose ISO 7064 check digits are right."""
    plain = [account.replace(" ", "") for account in accounts.to_pylist()]
    right = [int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97 == 1 for text in plain]
    return sum(right) / len(right)


_SSN_AREA = "(?:00[1-9]|0[1-9][0-9]|[1-578][0-9][0-9]|6(?:[0-57-9][0-9]|6[0-57-9]))"
_SSN_REST = "-(?:0[1-9]|[1-9][0-9])-(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9][0-9]|[1-9][0-9]{3})"
_CARD = (
    "(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|5[0-9]{2}))[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}"
    "|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}"
)
_STREETS = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|way|court|ct|place|pl|square|sq|terrace|close|"
    "crescent"
)

PATTERNS: tuple[Pattern, ...] = (
    # Anywhere in a cell: one cell in a hundred is enough, since hardly anything else looks like this.
    Pattern("email", r"(?P<found>[^\s@]@(?:[\p{L}0-9-]+\.)+\p{L}{2,24})", 0.01, hint="@"),
    Pattern("national_id", rf"(?:^|[^0-9-])(?P<found>{_SSN_AREA}{_SSN_REST})(?:[^0-9-]|$)", 0.01),
    Pattern("national_id", r"\b(?P<found>[A-CEGHJ-PR-TW-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D])\b", 0.05),
    Pattern("iban", r"\b(?P<found>[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b", 0.05, _mod_97),
    # One long number in ten passes Luhn by chance, so a few hits among order numbers say nothing.
    Pattern("card", rf"(?:^|[^0-9])(?P<found>{_CARD})(?:[^0-9]|$)", 0.2, _luhn),
    # The whole cell, in most cells: these also look like other things.
    Pattern("phone", r"^\s*(?P<found>(?:\+|00)[1-9][0-9 ().-]{6,18}[0-9])\s*(?:x[0-9]{1,6})?$", 0.5),
    Pattern(
        "phone",
        r"^\s*(?P<found>(?:1[ .-]?)?(?:\([0-9]{2,5}\) ?[0-9 -]{5,10}[0-9]|[0-9]{3,4}[ .-][0-9]{3}[ .-][0-9]{4}))"
        r"\s*(?:x[0-9]{1,6})?$",
        0.5,
    ),
    Pattern(
        "ip_address",
        r"^(?P<found>(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]))$",
        0.5,
    ),
    Pattern("ip_address", r"(?i)^(?P<found>(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|[0-9a-f:]*::[0-9a-f:]*)$", 0.5, hint=":"),
    Pattern("street_address", rf"(?i)^(?P<found>[0-9]{{1,5}}[a-z]?,? .*\b(?:{_STREETS})\b)", 0.3),
    Pattern("street_address", r"(?i)^(?P<found>\p{L}.*(?:stra(?:ß|ss)e|str\.|weg|platz|gasse|allee) ?[0-9]+)", 0.3),
    Pattern("street_address", r"(?i)^(?P<found>[0-9]{1,5},? (?:rue|avenue|boulevard|via|calle|chemin) \p{L})", 0.3),
)
