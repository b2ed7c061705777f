"""The name under which a release is made ready: of the grant *and* the fence.

A releaser that was thought dead has an older fence, so it never writes where its successor writes, and sees by the
successor's name that it has been replaced.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maskgate.errors import Conflict, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.gate.releaser import ReleaseOrder

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")


def temporary_name(order: ReleaseOrder) -> str:
    """Return the temporary name of an order."""
    return f"{_prefix(order)}{order.fence}"


def check_order(order: ReleaseOrder) -> None:
    """Refuse an order whose grant or version cannot be part of a path.

    Raises:
        UsageError: If one of them is not a plain name.
    """
    for name in (order.grant, order.version):
        if not _SEGMENT.fullmatch(name) or ".." in name:
            raise UsageError("a grant's id and a version are made of letters, digits, `_`, `-` and `.`.")
    if order.fence < 0:
        raise UsageError("a fence is not negative.")


def fences(order: ReleaseOrder, names: Iterable[str]) -> dict[int, str]:
    """Find the temporary names of the order's grant among names, by fence."""
    pattern = re.compile(re.escape(_prefix(order)) + r"([0-9]{1,18})")
    return {int(match[1]): name for name in names if (match := pattern.fullmatch(name))}


def refuse_if_replaced(order: ReleaseOrder, found: Iterable[int]) -> None:
    """Stop a releaser whose successor is at work.

    Raises:
        Conflict: If there is a greater fence than the order's.
    """
    if any(fence > order.fence for fence in found):
        raise Conflict(f"release {order.grant} goes on under a later fence; this attempt ({order.fence}) is over.")


def _prefix(order: ReleaseOrder) -> str:
    return f".maskgate-{order.grant}-"
