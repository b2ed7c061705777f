"""Laplace noise out of given bits, the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOG_2 = 0.6931471805599453
_TERMS = 16


def laplace(draws: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Turn two words of even bits a cell into a Laplace variate of scale 1, by inversion.

    Args:
        draws: Two words a cell: the first gives the size (53 bits), the second the sign.
    """
    even = ((draws[:, 0] >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    sign = np.where(draws[:, 1] & np.uint64(1), 1.0, -1.0)
    return -_logarithm(even) * sign


def _logarithm(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute natural logarithms by additions and products alone.

    ``np.log`` differs in the last bit from one processor to the next; these operations do not (IEEE 754).
    """
    mantissa, exponent = np.frexp(numbers)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = np.zeros_like(ratio)
    for term in range(2 * _TERMS + 1, 0, -2):
        series = series * square + 1.0 / term
    return 2.0 * ratio * series + exponent * _LOG_2
