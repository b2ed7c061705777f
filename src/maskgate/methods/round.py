"""Round numbers to multiples of a step.

Exactly halfway goes to the even multiple, as IEEE 754 and statistics have it. Integers and decimals are rounded
exactly. Near the end of its range, a type may not hold the nearest multiple; then it is the nearest one that it holds.
Floats become doubles: a single float of 0.1 is no tenth. A double is scaled by the step's power of ten and divided by
its digits, and stays as it is where it is so large that it counts in more than steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.room import room
from maskgate.methods.cleansing import cleansed
from maskgate.methods.families import family_of, value_type
from maskgate.methods.fixed_width import as_column, cells_of, portions, view
from maskgate.methods.layout import in_layout_of
from maskgate.methods.limits import NUMBERS, by_number, check_numbers, not_numbers
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings
from maskgate.methods.numbers import MOST_EXACT, exactly, over_power_of_ten
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_WORDS = np.dtype("<i8,<i8")
_SIGN = 63
_HALF = 2**62
_INT64_DIGITS = 18
_MOST_PLACES = 22


@dataclass(frozen=True)
class Round(Method):
    """Replace every number by the nearest multiple of a step.

    Attributes:
        to: The step.
    """

    to: Decimal

    declaration: ClassVar[Declaration] = Declaration(
        name="round",
        done="rounded",
        term="generalization (rounding)",
        summary="Replaces every number by the nearest multiple of a step; halfway, by the even one.",
        accepts=NUMBERS,
        parameters=(Parameter("to", Kind.NUMBER, "The step.", required=True, above=0),),
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If the step is not above zero, or has too many digits.
        """
        if options.get("to") is None:
            raise ValueError("round needs `to:`, what the results are multiples of")
        to = exactly(options["to"])
        if not to.is_finite() or to <= 0:
            raise ValueError("`to:` is a number above 0")
        if max(over_power_of_ten(to)) > MOST_EXACT or over_power_of_ten(to)[1] > _MOST_PLACES:
            raise ValueError("`to:` has too many digits")
        return cls(to)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type itself, or double for any float.

        Raises:
            ValueError: If the type does not hold multiples of the step.
        """
        kind, family = value_type(input_type), family_of(input_type)
        if family is Family.FLOAT:
            return in_layout_of(input_type, pa.float64())
        if self._step_in(kind) is None:
            raise ValueError(f"{kind} does not hold multiples of {self.to:f}")
        return in_layout_of(input_type, kind)

    def shape(self) -> Shape:
        """Promise multiples."""
        return Shape(multiple_of=float(self.to))

    def invalid(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array | None:
        """Say which cells are NaN: nothing is near to them."""
        return not_numbers(column)

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the rounded numbers.

        Raises:
            MaskingError: If numbers are NaN.
        """
        return by_number(column, surroundings, self._rounded)

    def _step_in(self, kind: pa.DataType) -> int | None:
        """Return the step in units of the type's last place, if it is whole."""
        scale = kind.scale if pa.types.is_decimal(kind) else 0
        step = self.to.scaleb(scale)
        if step != step.to_integral_value() or (pa.types.is_decimal(kind) and step >= Decimal(10) ** kind.precision):
            return None
        return int(step)

    def _rounded(self, column: pa.Array) -> pa.Array:
        if pa.types.is_floating(column.type):
            check_numbers(column)
            return self._rounded_floats(column)
        step = self._step_in(column.type) or 1
        if pa.types.is_decimal(column.type):
            return _rounded_decimals(column, step)
        numbers = cells_of(column)
        limits = np.iinfo(numbers.dtype)
        return as_column(_to_multiples(numbers, step, int(limits.min), int(limits.max)), column, column.type)

    def _rounded_floats(self, column: pa.Array) -> pa.Array:
        numbers = cells_of(column)
        numerator, places = over_power_of_ten(self.to)
        ten, rounded = 10.0**places, room(len(numbers), np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in portions(len(numbers)):
                steps, portion = rounded[rows], numbers[rows]
                np.multiply(portion, ten, out=steps, dtype=np.float64)
                steps /= numerator
                np.rint(steps, out=steps)
                coarse = None if _is_below(steps, MOST_EXACT) else ~(np.abs(steps) < MOST_EXACT)
                steps *= numerator
                steps /= ten
                # Adding zero makes an even zero of a negative one.
                steps += 0.0
                if coarse is not None:
                    np.copyto(steps, portion, where=coarse)
        return as_column(rounded, column, pa.float64())


def _is_below(steps: NDArray[np.float64], most: int) -> bool:
    return bool(steps.max(initial=0) < most and steps.min(initial=0) > -most)


def _fit_a_word(low: NDArray[np.int64], high: NDArray[np.int64]) -> bool:
    return all((low[rows] >> (_SIGN - 1) == high[rows]).all() for rows in portions(len(low)))


def _to_multiples(values: NDArray[Any], step: int, least: int, most: int) -> NDArray[Any]:
    """Round whole numbers half to even, to multiples that lie between bounds."""
    wide = np.uint64 if values.dtype == np.uint64 else np.int64
    rounded = room(len(values), values.dtype)
    lowest, highest = -(-least // step) * step, most // step * step
    size = wide(step)
    for rows in portions(len(values)):
        # What lies between the outermost multiples is rounded to nothing beyond them.
        clipped = np.clip(values[rows].astype(wide, copy=False), wide(lowest), wide(highest))
        multiples = clipped // size
        clipped -= multiples * size
        if step % 2 == 0:
            # Halfway, an odd multiple goes up. Where a step is odd, nothing is halfway.
            clipped += multiples & wide(1)
        multiples += clipped > wide(step // 2)
        np.multiply(multiples, size, out=rounded[rows], casting="unsafe")
    return rounded


def _rounded_decimals(column: pa.Array, step: int) -> pa.Array:
    kind = column.type
    most = (10**kind.precision - 1) // step * step
    if pa.types.is_decimal128(kind) and step <= _HALF:
        words = view(column, _WORDS)
        low = np.ascontiguousarray(words["f0"])
        if kind.precision <= _INT64_DIGITS or _fit_a_word(low, words["f1"]):
            # No bound but the type's own: half the range of a word is left to round up to.
            bound = min(most, np.iinfo(np.int64).max // step * step)
            rounded = room(len(low), _WORDS)
            rounded["f0"] = _to_multiples(low, step, -bound, bound)
            rounded["f1"] = rounded["f0"] >> _SIGN
            return as_column(rounded, column, kind)
    upper, lower = (pa.scalar(Decimal(f"{bound}e{-kind.scale}"), kind) for bound in (most, -most))
    clipped = pc.max_element_wise(pc.min_element_wise(column, upper, skip_nulls=False), lower, skip_nulls=False)
    multiple = pa.scalar(Decimal(f"{step}e{-kind.scale}"), kind)
    return cleansed(pc.round_to_multiple(clipped, options=pc.RoundToMultipleOptions(multiple, "half_to_even")))
