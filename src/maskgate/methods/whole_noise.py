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
from maskgate.methods.geometric import MOST_STEPS
from maskgate.methods.noise_curve import NoiseCurve

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maskgate.methods.geometric import GeometricNoise
    from maskgate.methods.noise_grid import Grid

# The sum of such a number and of noise, as doubles, is off by less than the slack.
_MOST, _SLACK = 2**40, 2.0**-10
_MOST_SHORT = 2**30
# The size that no noise of scale 1 exceeds, of whatever kind.
_REACH = 64


@dataclass(frozen=True)
class WholeNoise:
    """Noise that moves integers by whole steps of 1.

    Attributes:
        add: Adds noise to integers, given with two words a row and the type of their sums.
        reach: How far it moves them at most.
        ends: The least and greatest integer that comes out.
        are_bounds: Whether numbers beyond the ends go in as the ends.
    """

    add: Callable[[NDArray[Any], NDArray[np.uint64], Any], NDArray[Any]]
    reach: int
    ends: tuple[int, int]
    are_bounds: bool

    @classmethod
    def of_curve(cls, kind: str, scale: float, grid: Grid) -> Self | None:
        """Make it of noise that follows a curve; None if the first bits of a draw decide too seldom."""
        reach = int(scale * _REACH) + 1
        if reach > _MOST_SHORT:
            return None
        short, long = (_table(kind, scale, number) for number in (np.int32, np.int64))
        if short is None or long is None:
            return None
        noise = NoiseCurve(kind, scale).noise

        def add(values: NDArray[Any], drawn: NDArray[np.uint64], number: Any) -> NDArray[Any]:
            sums, places = (short if number == np.int32 else long).look_up(drawn, 0)
            sums += values
            if len(places):
                sums[places] = np.rint(values[places] + noise(drawn[places, 0]))
            return sums

        ends = (int(grid.ends[0]), int(grid.ends[1]))
        return cls(add, reach, ends, grid.bounds == grid.ends)

    @classmethod
    def of_steps(cls, geometric: GeometricNoise, grid: Grid) -> Self:
        """Make it of noise that is whole already; numbers are moved to the nearest step before they get it."""

        def add(values: NDArray[Any], drawn: NDArray[np.uint64], number: Any) -> NDArray[Any]:
            sums = geometric.noise(drawn).astype(number, copy=False)
            sums += values
            return sums

        return cls(add, 2 * MOST_STEPS, (int(grid.ends[0]), int(grid.ends[1])), are_bounds=True)

    def write(self, values: NDArray[Any], drawn: NDArray[np.uint64], into: NDArray[Any]) -> bool:
        """Add noise to some integers, unless they are too large for it.

        Args:
            values: The integers.
            drawn: Two words for each.
            into: Where they go, of a type that holds what comes out.

        Returns:
            Whether they are there.
        """
        extent = int(values.min()), int(values.max())
        farthest = max(map(abs, extent)) + self.reach
        is_within = self.ends[0] <= extent[0] and extent[1] <= self.ends[1]
        if farthest > _MOST or not (is_within or self.are_bounds):
            return False
        if not is_within:
            values = np.clip(values, *self.ends)
        is_short = farthest < _MOST_SHORT and values.itemsize < np.dtype(np.int64).itemsize
        number = np.dtype(np.int32 if is_short else np.int64)
        sums = self.add(values.view(number) if values.itemsize == number.itemsize else values, drawn, number)
        # No sum lies farther out.
        np.clip(sums, max(self.ends[0], -farthest), min(self.ends[1], farthest), out=sums)
        np.copyto(into, sums, casting="unsafe")
        return True


@lru_cache(maxsize=32)
def _table(kind: str, scale: float, number: Any) -> FirstBits | None:
    return FirstBits.of(NoiseCurve(kind, scale).noise, number, _SLACK)
