"""How likely two values of a domain get one token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from maskgate.methods.token_format import DigestFormat

if TYPE_CHECKING:
    from maskgate.methods.method import Domain

_ONE_WAY = ("hmac", "cmac")
_ONE_TO_ONE = ("encrypt", "fpe")


def collision_probability(domain: Domain, rows: int) -> float | None:
    """Return the chance that any two of so many different values get the same token.

    It is that of the birthday problem, 1 - (1 - 1/N)(1 - 2/N)…(1 - (n-1)/N) for n values and N tokens: the logarithm of
    the product is the sum of -i/N - i²/2N², and of less than can be seen. Under the schemes ``encrypt`` and ``fpe`` no
    two values ever do.

    Args:
        domain: The token space.
        rows: How many different values there are.

    Returns:
        Between 0 and 1; None if the domain makes no tokens.

    Example:
        >>> from maskgate.methods import Domain
        >>> round(collision_probability(Domain("d", "hmac", "k", length=8), 10_000), 4)
        0.0116
    """
    if domain.scheme in _ONE_TO_ONE:
        return 0.0
    try:
        space = DigestFormat.of(domain).space
    except ValueError:
        return None
    if domain.scheme not in _ONE_WAY:
        return None
    pairs = rows * (rows - 1)
    return -math.expm1(-pairs / (2 * space) - pairs * (2 * rows - 1) / (12 * space**2))
