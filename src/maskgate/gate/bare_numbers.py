"""Social security numbers without separators, whatever their column is called.

A single number of nine digits says nothing. A whole column says more: numbers that were given out lie in certain
ranges, and are spread over many areas. Counters stay in few areas; numbers drawn at random break the ranges, nine in a
hundred of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.detect.classification import text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = "national_id"
_FEWEST_CELLS = 50
_FEWEST_AREAS = 20
# Leading zeros are lost in a number: one area in ten begins with one.
_NINE_DIGITS = 0.8
_AREAS = 1000
_BEYOND_AREA = 900
_NO_AREA = 666


@dataclass
class BareNumbers:
    """Looks at all cells of a column, batch by batch.

    Attributes:
        present: Cells that are no nulls.
        long: Those of nine digits.
        is_possible: Whether every cell so far could be such a number.
        areas: Which areas there were.
    """

    present: int = 0
    long: int = 0
    is_possible: bool = True
    areas: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(_AREAS, bool))

    def add(self, cells: pa.Array) -> None:
        """Look at some more cells."""
        numbers = self._numbers(cells) if self.is_possible else None
        if numbers is None:
            self.is_possible = False
            return
        area, group, serial = numbers // 1_000_000, numbers // 10_000 % 100, numbers % 10_000
        fits = (area > 0) & (area < _BEYOND_AREA) & (area != _NO_AREA) & (group > 0) & (serial > 0)
        self.is_possible = bool(fits.all())
        self.present += len(numbers)
        self.long += int((numbers >= 100_000_000).sum())  # noqa: PLR2004  nine digits
        self.areas[area[fits]] = True

    @property
    def are_found(self) -> bool:
        """Whether the whole column looks like them."""
        return (
            self.is_possible
            and self.present >= _FEWEST_CELLS
            and self.long >= _NINE_DIGITS * self.present
            and int(self.areas.sum()) >= _FEWEST_AREAS
        )

    def _numbers(self, cells: pa.Array) -> NDArray[np.int64] | None:
        """Return the cells as numbers; None if any of them is something else."""
        text = text_of(cells)
        if text is None or text.null_count != cells.null_count:
            return None
        digits = text.drop_null()
        if not pc.all(pc.match_substring_regex(digits, r"\A[0-9]{7,9}\z"), min_count=0).as_py():
            return None
        return np.asarray(digits.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
