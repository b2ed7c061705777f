"""Looks at rules that can be used, and says what they will lead to.

Nothing here reads a value of the data: names, types and numbers of rows are enough. What is found is a reason to think
again; that nothing is found promises nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.rules.disclosure_checks import DISCLOSURE
from maskgate.rules.linking_checks import LINKING
from maskgate.rules.token_checks import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.rules.findings import Finding
    from maskgate.rules.subjects import Looked

CHECKS: tuple[Callable[[Looked], Iterator[Finding]], ...] = (*TOKENS, *LINKING, *DISCLOSURE)


def check_rules(looked: Looked) -> tuple[Finding, ...]:
    """Return the warnings and notes on rules, in the order of their lines, the weightier ones first."""
    found = [finding for check in CHECKS for finding in check(looked)]
    return tuple(sorted(found, key=lambda each: (each.line or 0, _WEIGHT.index(each.severity))))


_WEIGHT = ("error", "warning", "note")
