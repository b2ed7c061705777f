"""The normal distribution, without functions whose last bit depends on the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.methods.noise_functions import exponential, logarithm

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROOT_OF_HALF_PI = 1.2533141373155003
_STEPS = 12
_NEAR = 3.0
_SERIES_TERMS = 60
_FRACTION_TERMS = 60


def gaussian_sizes(minus_logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sizes that normal noise of variance 1 exceeds, either way, with probability p, out of -log p.

    By Newton's method on the logarithm of that probability, which is concave, so that it comes down from a size that
    is too large (the tail is below exp(-z²/2)) and never overshoots.
    """
    sizes: NDArray[np.float64] = np.sqrt(2.0 * minus_logs)
    for _ in range(_STEPS):
        ratio = mills_ratio(sizes)
        # log of the tail: log(sqrt(2/pi)) - z²/2 + log(ratio); its derivative is -1/ratio.
        tail = logarithm(ratio / _ROOT_OF_HALF_PI) - sizes * sizes / 2.0
        sizes = np.maximum(sizes + (tail + minus_logs) * ratio, 0.0)
    return sizes


def mills_ratio(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal tail above each size, over the density there (Mills' ratio).

    Near 0 by the series of the distribution function, z + z³/3 + z⁵/15 + …, beyond by Laplace's continued fraction
    1/(z + 1/(z + 2/(z + …))); both as in Abramowitz and Stegun, 26.2.11 and 26.2.14.
    """
    near = np.minimum(sizes, _NEAR)
    square = near * near
    term = near.copy()
    series = near.copy()
    for index in range(1, _SERIES_TERMS):
        term = term * square / (2 * index + 1)
        series += term
    by_series = _ROOT_OF_HALF_PI * exponential(square / 2.0) - series
    far = np.maximum(sizes, _NEAR)
    fraction = far
    for index in range(_FRACTION_TERMS, 0, -1):
        fraction = far + index / fraction
    return np.where(sizes < _NEAR, by_series, 1.0 / fraction)
