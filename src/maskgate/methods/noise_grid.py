"""The numbers that noise may end on: multiples of a step between two bounds, in the type of the column.

Without a step, the last bits of a double would give the original away (Mironov, 2012, "On significance of the least
significant bits for differential privacy").
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity_buffer
from maskgate.crypto.room import room
from maskgate.methods.fixed_width import clear_nulls
from maskgate.methods.numbers import MOST_EXACT, over_power_of_ten

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_DOUBLE = Decimal(float(np.finfo(np.float64).max))
# More digits than any type has.
_DIGITS = 200
_INT64_MAX = 2**63 - 1
_WORD_BITS = 64


@dataclass(frozen=True)
class Grid:
    """Where numbers of one type may lie.

    Attributes:
        kind: The type of the column: an integer, a decimal or double.
        step: What they are multiples of; None for any double, or what a decimal holds of it.
        bounds: The least and greatest number that goes in, as doubles.
        ends: The least and greatest multiple that comes out, as doubles.
    """

    kind: pa.DataType
    step: Decimal | None
    bounds: tuple[float, float]
    ends: tuple[float, float]

    @classmethod
    def of(cls, kind: pa.DataType, step: Decimal | None, minimum: Decimal | None, maximum: Decimal | None) -> Self:
        """Lay out the grid; where no bound is given, it is what type and step can hold."""
        with localcontext(prec=_DIGITS):
            lower, upper = _limits(kind, step)
            lower = lower if minimum is None else max(lower, minimum)
            upper = upper if maximum is None else min(upper, maximum)
            if step is None and pa.types.is_decimal(kind):
                place = Decimal(1).scaleb(-kind.scale)
                lower, upper = lower.quantize(place, ROUND_CEILING), upper.quantize(place, ROUND_FLOOR)
            bounds = _inwards(lower, upper)
            if step is None:
                return cls(kind, step, bounds, bounds)
            least = (lower / step).to_integral_value(ROUND_CEILING)
            most = (upper / step).to_integral_value(ROUND_FLOOR)
            return cls(kind, step, bounds, _inwards(least, most))

    def clamp(self, numbers: NDArray[np.float64]) -> None:
        """Move numbers into the bounds, in place."""
        np.clip(numbers, *self.bounds, out=numbers)

    def in_steps(self, numbers: NDArray[np.float64]) -> None:
        """Turn numbers into how many steps they are, whole or not, in place."""
        if self.step is not None and self.step != 1:
            numbers /= float(self.step)

    def settle(self, steps: NDArray[np.float64]) -> None:
        """Turn steps into the nearest ones on the grid, in place."""
        if self.step is not None:
            np.rint(steps, out=steps)
        np.clip(steps, *self.ends, out=steps)

    def write(self, steps: NDArray[np.float64], into: NDArray[Any]) -> None:
        """Turn steps on the grid into numbers of the type; decimals still without their point."""
        if self.step is not None and self.step != 1:
            numerator, places = over_power_of_ten(self.step)
            if numerator != 1:
                steps *= numerator
            if places and pa.types.is_floating(self.kind):
                steps /= 10.0**places
        if pa.types.is_floating(self.kind):
            # A zero that kept its sign would say from which side it was rounded.
            steps += 0.0
        if pa.types.is_integer(self.kind) and self.bounds[1] > MOST_EXACT:
            np.minimum(steps, self.bounds[1], out=steps)
        np.copyto(into, steps, casting="unsafe")

    def room(self, count: int) -> NDArray[Any]:
        """Return room for what :meth:`write` writes."""
        if pa.types.is_decimal(self.kind):
            return room(count, np.float64 if self.step is None else np.int64)
        return room(count, self.kind.to_pandas_dtype())

    def column(self, written: NDArray[Any], valid: NDArray[np.bool_] | None) -> pa.Array:
        """Return what was written as a column, with nothing under nulls."""
        clear_nulls(written, valid)
        buffers = [validity_buffer(valid), pa.py_buffer(written)]
        if not pa.types.is_decimal(self.kind):
            return pa.Array.from_buffers(self.kind, len(written), buffers)
        if self.step is None:
            return pa.Array.from_buffers(pa.float64(), len(written), buffers).cast(self.kind)
        numerator, places = over_power_of_ten(self.step)
        factor = 10 ** (self.kind.scale - places)
        if max(map(abs, self.ends)) * numerator * factor <= _INT64_MAX:
            return self._units(written, factor, buffers[0])
        wide = pa.Array.from_buffers(pa.int64(), len(written), buffers).cast(pa.decimal128(19, 0))
        return pa.Array.from_buffers(pa.decimal128(19, places), len(wide), wide.buffers()).cast(self.kind)

    def _units(self, written: NDArray[np.int64], factor: int, bits: pa.Buffer | None) -> pa.Array:
        """Return decimals, of which each is a whole number of units that fits 64 bits, times a factor."""
        words = max(1, self.kind.bit_width // _WORD_BITS)
        units = room(len(written) * words, np.int64 if self.kind.bit_width >= _WORD_BITS else np.int32).reshape(
            -1, words
        )
        np.multiply(written, factor, out=units[:, 0], casting="unsafe")
        for word in range(1, words):
            np.right_shift(units[:, 0], 63, out=units[:, word])
        return pa.Array.from_buffers(self.kind, len(written), [bits, pa.py_buffer(units)])


def _limits(kind: pa.DataType, step: Decimal | None) -> tuple[Decimal, Decimal]:
    """Return the least and greatest number of a type that can be counted in steps."""
    if pa.types.is_integer(kind):
        whole = np.iinfo(kind.to_pandas_dtype())
        return Decimal(int(whole.min)), Decimal(int(whole.max))
    most = _MOST_DOUBLE
    if step is not None:
        numerator, places = over_power_of_ten(step)
        most = Decimal(MOST_EXACT // numerator * numerator).scaleb(-places)
    if pa.types.is_decimal(kind):
        most = min(most, Decimal(10**kind.precision - 1).scaleb(-kind.scale))
    return -most, most


def _inwards(lower: Decimal, upper: Decimal) -> tuple[float, float]:
    """Return the outermost doubles between two numbers."""
    least, most = float(lower), float(upper)
    if Decimal(least) < lower:
        least = float(np.nextafter(least, np.inf))
    if Decimal(most) > upper:
        most = float(np.nextafter(most, -np.inf))
    return least, most
