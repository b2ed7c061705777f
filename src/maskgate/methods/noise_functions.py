"""Logarithm and exponential that are the same bits on every machine.

``np.log`` and ``np.exp`` differ in the last bit from one processor to the next; additions, products, quotients and
square roots do not (IEEE 754), nor does taking a double apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOG_2 = 0.6931471805599453
_LOG_TERMS = 16
_EXP_TERMS = 20


def logarithm(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute natural logarithms of numbers above 0, by the series of the inverse hyperbolic tangent."""
    mantissa, exponent = np.frexp(numbers)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = np.zeros_like(ratio)
    for term in range(2 * _LOG_TERMS + 1, 0, -2):
        series = series * square + 1.0 / term
    return 2.0 * ratio * series + exponent * _LOG_2


def exponential(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute e to the power of numbers, by halving and Taylor's series."""
    halvings = np.rint(numbers / _LOG_2)
    rest = numbers - halvings * _LOG_2
    series = np.ones_like(rest)
    for term in range(_EXP_TERMS, 0, -1):
        series = series * rest / term + 1.0
    return np.ldexp(series, halvings.astype(np.int32))
