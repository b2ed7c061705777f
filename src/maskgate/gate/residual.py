"""Residual findings: cells in which the detectors still find an e-mail address, a card number and the like.

* Looked at are all columns whose cells may still be text of the original: those that the rules keep, scrub, cut,
  shuffle and so on, and those that no rule covers. A column that looks harmless is looked at as well: that is where
  findings hide.
* Not looked at are columns of which every cell is made up: tokens, fakes, constants. What looks like an address there
  is one that the method wrote, and whether it did is for the shape of the column to say.
* A number is a finding where its whole column is taken for a direct identifier: one number in ten passes the check of
  card numbers by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maskgate.detect.classification import text_of
from maskgate.detect.finding import find_in_text
from maskgate.detect.kinds import KINDS
from maskgate.detect.text import Text, portions

if TYPE_CHECKING:
    from maskgate.rules.rule import AnyRule, ColumnRule

_MADE_UP = frozenset({"drop", "fake", "nullify", "redact", "retokenize", "token"})
# An address of the web or a date is nobody's name.
_LOOKED_FOR = tuple(kind for kind in KINDS if kind not in {"url", "date"})


def may_hold_originals(rule: AnyRule) -> bool:
    """Whether text of the original may be left in a cell that a rule masked as it says."""
    return any(not _is_made_up(each) for each in rule.rules())


def _is_made_up(rule: ColumnRule) -> bool:
    return rule.method in _MADE_UP or (rule.method == "scrub" and rule.options.get("replace_with") in {"fake", "token"})


def count_findings(cells: pa.Array) -> int:
    """Count the cells of a column of text in which anything is found; 0 if it holds no text."""
    text = text_of(cells)
    if text is None:
        return 0
    count = 0
    for portion in portions(text):
        laid = Text.of(portion)
        findings = find_in_text(laid, _LOOKED_FOR)
        count += len(np.unique(laid.cell_of(findings.spans.starts)))
    return count


def is_number(kind: pa.DataType) -> bool:
    """Whether cells of a type are numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
