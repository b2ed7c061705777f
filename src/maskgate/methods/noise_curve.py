"""Symmetrical noise out of even bits, by a table of the size that is exceeded with each probability.

A word of 64 bits, read as a signed number, gives the sign and the probability p, from 2^-63 to 1, that noise is
larger still. The table holds the sizes at 512 probabilities for each halving of p, and between two of them a straight
line is followed, which moves no probability by more than a millionth. So a draw takes a dozen operations, whatever
the distribution, and all of them are exact on every machine.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.room import room
from maskgate.methods.gaussian import gaussian_sizes
from maskgate.methods.laplace import laplace_sizes
from maskgate.methods.noise_functions import logarithm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_SIZES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "laplace": laplace_sizes,
    "gaussian": gaussian_sizes,
}
CURVES = tuple(_SIZES)
_HALVINGS = 64
_CELL_BITS = 9
_CELLS = 1 << _CELL_BITS
_MANTISSA_BITS = 52
_BIAS = 1023
_SIGN = np.uint64(1 << 63)
_SHIFT = np.uint64(_MANTISSA_BITS - _CELL_BITS)
_TABLE = np.uint64(_HALVINGS * _CELLS - 1)


class NoiseCurve:
    """Noise of one distribution and scale.

    Args:
        kind: ``laplace`` or ``gaussian``.
        scale: Its mean size, or its standard deviation.
    """

    def __init__(self, kind: str, scale: float) -> None:
        self._lines = _lines(kind, scale)
        self._chances = np.empty(0)
        self._cells = np.empty(0, np.uint64)
        self._taken = np.empty(0, np.complex128)

    def noise(self, words: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Turn words of even bits into noise, overwritten by the next call."""
        if len(words) > len(self._cells):
            self._chances = room(len(words), np.float64)
            self._cells = room(len(words), np.uint64)
            self._taken = room(len(words), np.complex128)
        chance, cells, lines = self._chances[: len(words)], self._cells[: len(words)], self._taken[: len(words)]
        np.copyto(chance, words.view(np.int64))
        bits = chance.view(np.uint64)
        # The last six bits of the exponent and the first nine of the mantissa; the sign falls away.
        np.right_shift(bits, _SHIFT, out=cells)
        cells &= _TABLE
        # No cell is out of the table; "clip" is the mode that does not look twice.
        self._lines.take(cells.view(np.int64), out=lines, mode="clip")
        starts, slopes = lines.view(np.float64).reshape(-1, 2).T
        # Where the cells stood, which nobody needs any more: the less memory, the more of it stays in the cache.
        np.bitwise_and(bits, _SIGN, out=cells)
        cells ^= starts.view(np.uint64)
        sizes: NDArray[np.float64] = cells.view(np.float64)
        chance *= slopes
        sizes += chance
        return sizes


@lru_cache(maxsize=8)
def _lines(kind: str, scale: float) -> NDArray[np.complex128]:
    """Return the table for a scale, each line in one piece: as if it were a complex number, it is taken at once."""
    return (_table(kind) * scale).view(np.complex128).reshape(-1)


@lru_cache(maxsize=8)
def _table(kind: str) -> NDArray[np.float64]:
    """Return for each cell the straight line through its ends, over p times 2^63: where it starts, and its slope."""
    edges = 1.0 + np.arange(_CELLS + 1) / _CELLS
    # p = 2^(exponent - 63) * edge, so that its logarithm is a sum.
    minus_logs = -logarithm(edges)
    log_2 = -minus_logs[-1]
    base, slope = np.zeros((_HALVINGS, _CELLS)), np.zeros((_HALVINGS, _CELLS))
    for exponent in range(_HALVINGS - 1):
        sizes = _SIZES[kind](np.maximum(minus_logs + (_HALVINGS - 1 - exponent) * log_2, 0.0))
        row = (exponent + _BIAS) % _HALVINGS
        rises = np.diff(sizes) * _CELLS
        slope[row] = np.ldexp(rises, -exponent)
        base[row] = sizes[:-1] - rises * edges[:-1]
    # The row that is left is p = 1 alone, where noise is 0.
    return np.stack([base.ravel(), slope.ravel()], axis=1)
