"""Noise on integers that comes out as integers: without a double on the way, where the first bits of a draw decide.

Noise that is not near the middle between two whole numbers moves every integer by the same number of steps, however it
is rounded. So it is rounded once, in a table, and not in each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from maskgate.methods.first_bits import FirstBits
from maskgate.methods.noise_curve import NoiseCurve

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maskgate.methods.numbers import Numbers

# The sum of such a number and of noise, as doubles, is off by less than the slack.
_MOST, _SLACK = 2**40, 2.0**-10
_MOST_SHORT = 2**30
# The size that no noise of scale 1 exceeds, of whatever kind.
_REACH = 64


@dataclass(frozen=True)
class WholeNoise:
    """Noise of one kind, added to integers of one column.

    Attributes:
        noise: Turns words into noise.
        table: What it mostly comes to.
        ends: The least and greatest integer that goes in and comes out.
        is_within: Whether all integers of the column lie between them.
    """

    noise: Callable[[NDArray[np.uint64]], NDArray[np.float64]]
    table: FirstBits
    ends: tuple[int, int]
    is_within: bool

    @classmethod
    def of(cls, kind: str, scale: float, numbers: Numbers, ends: tuple[float, float]) -> Self | None:
        """Make it for a column.

        Args:
            kind: ``laplace`` or ``gaussian``.
            scale: In whole numbers.
            numbers: The column.
            ends: The least and greatest number that goes in and comes out, which are whole.

        Returns:
            None if it has other numbers than integers, or those and noise are too large.
        """
        if numbers.extent is None:
            return None
        farthest = int(max(map(abs, numbers.extent)) + scale * _REACH)
        if farthest > _MOST:
            return None
        is_short = farthest < _MOST_SHORT and numbers.integers(slice(0)).itemsize < np.dtype(np.int64).itemsize
        table = _table(kind, scale, np.int32 if is_short else np.int64)
        if table is None:
            return None
        # No sum lies farther out.
        least, most = max(int(ends[0]), -farthest), min(int(ends[1]), farthest)
        return cls(NoiseCurve(kind, scale).noise, table, (least, most), numbers.lie_within(*ends))

    def write(self, values: NDArray[Any], drawn: NDArray[np.uint64], into: NDArray[Any]) -> None:
        """Add noise to integers.

        Args:
            values: The integers.
            drawn: A word for each, and maybe others behind it.
            into: Where they go, of a type that holds what comes out.
        """
        if not self.is_within:
            values = np.clip(values, *self.ends)
        sums, places = self.table.look_up(drawn, 0)
        sums += values.view(sums.dtype) if values.itemsize == sums.itemsize else values
        if len(places):
            sums[places] = np.rint(values[places] + self.noise(drawn[places, 0]))
        np.clip(sums, *self.ends, out=sums)
        np.copyto(into, sums, casting="unsafe")


@lru_cache(maxsize=32)
def _table(kind: str, scale: float, number: Any) -> FirstBits | None:
    return FirstBits.of(NoiseCurve(kind, scale).noise, number, _SLACK)
