"""From which share of its cells on a column is said to hold something."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.detect.finding import find_in_text
from maskgate.detect.text import Text, portions

if TYPE_CHECKING:
    from maskgate.detect.finding import Findings


@dataclass(frozen=True)
class Sign:
    """Cells that show what a column holds.

    Attributes:
        kind: What it holds.
        found: What is found in such cells, one of the kinds of :func:`~maskgate.detect.find`.
        share: From which share of the cells on that are not blank.
        whole: Whether the cells must be nothing else.
    """

    kind: str
    found: str
    share: float
    whole: bool = False


_SIGNS = (
    # Anywhere in a cell: one cell in a hundred is enough, since hardly anything else looks like this.
    Sign("email", "email", 0.01),
    Sign("national_id", "ssn", 0.01),
    Sign("national_id", "nino", 0.05),
    Sign("iban", "iban", 0.05),
    # One long number in ten passes Luhn by chance, so a few hits among order numbers say nothing.
    Sign("card", "card", 0.2),
    # The whole cell, in most cells: these also look like other things.
    Sign("phone", "phone", 0.5, whole=True),
    Sign("ip_address", "ip", 0.5, whole=True),
    Sign("ip_address", "mac", 0.5, whole=True),
)
_FOUND = tuple(sign.found for sign in _SIGNS)

# Telephone numbers as some countries write them at home: groups of two or three digits. Few other columns hold nothing
# else, in most cells.
_AT_HOME = r"^(?:[1-9][0-9]{1,2}(?: [0-9]{2,3}){2,4})$"
_NINE_OR_TEN = r"^(?:[^0-9]*[0-9]){9,10}$"
_AT_HOME_SHARE = 0.8

_STREETS = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|way|court|ct|place|pl|square|sq|terrace|close|"
    "crescent"
)
_ENDINGS = (
    r"stra(?:ß|ss)e|str\.|weg|platz|gasse|allee|straat|laan|plein|gracht|kade|gatan|v[aä]gen|gade|vej|gata|veien|tie"
)
_BEGINNINGS = (
    "calle|c/|avenida|avda\\.?|av\\.|plaza|paseo|camino|via|viale|piazza|corso|largo|rua|travessa|pra[cç]a|ul\\.|ulica|al\\."
    "|rue|avenue|boulevard"
)
_STREET = (
    r"(?i)^(?:(?:(?:flat|apt|apartment|unit|suite)\.? ?[0-9a-z]+,? )?"
    rf"[0-9]{{1,5}}[a-z]?,? [\p{{L}}0-9.'-]+.* (?:{_STREETS})\b"
    rf"|\p{{L}}.*(?:{_ENDINGS}) ?[0-9]+|[0-9]{{1,5}},? (?:rue|avenue|boulevard|via|calle|chemin|place|all[eé]e) \p{{L}}"
    rf"|(?:{_BEGINNINGS}) ?\p{{L}}.*[0-9])"
)
_STREET_SHARE = 0.3


def kinds_of_cells(cells: pa.Array) -> frozenset[str]:
    """Return which kinds enough of some texts show."""
    shown: Counter[Sign] = Counter()
    present = streets = at_home = 0
    for portion in portions(cells):
        filled = pc.utf8_trim_whitespace(portion.drop_null())
        filled = filled.filter(pc.not_equal(filled, pa.scalar("", filled.type)))
        present += len(filled)
        streets += pc.sum(pc.match_substring_regex(filled, _STREET)).as_py() or 0
        by_groups = filled.filter(pc.match_substring_regex(filled, _AT_HOME))
        at_home += pc.sum(pc.match_substring_regex(by_groups, _NINE_OR_TEN)).as_py() or 0
        text = Text.of(filled)
        shown.update(_shown(text, find_in_text(text, _FOUND)))
    kinds = {sign.kind for sign, count in shown.items() if count >= sign.share * present}
    if streets and streets >= _STREET_SHARE * present:
        kinds.add("street_address")
    if at_home and at_home >= _AT_HOME_SHARE * present:
        kinds.add("phone")
    return frozenset(kinds)


def _shown(text: Text, findings: Findings) -> dict[Sign, int]:
    """Count the cells with each sign, of those that have it at all."""
    counts: dict[Sign, int] = {}
    for name, places in findings.by_kind():
        found = findings.spans.where(places)
        cells = text.cell_of(found.starts)
        is_whole = (found.starts == text.starts[cells]) & (found.ends == text.ends[cells])
        for sign in _SIGNS:
            if sign.found == name:
                count = len(np.unique(cells[is_whole] if sign.whole else cells))
                counts |= {sign: count} if count else {}
    return counts
