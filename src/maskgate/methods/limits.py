"""Limits that numbers, dates and timestamps are cut at: what top and bottom coding share.

Whatever lies beyond the limit becomes the limit, or one number that stands for all of them, such as 90 for the ages
from 90 up. The type stays.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.room import room
from maskgate.errors import MaskingError
from maskgate.methods.cleansing import cleansed
from maskgate.methods.families import family_of, value_type
from maskgate.methods.fixed_width import as_column, cells_of, portions
from maskgate.methods.layout import by_value, in_layout_of, plain
from maskgate.methods.method import Domain, Family, Method, Surroundings
from maskgate.methods.numbers import exactly
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NUMBERS = frozenset({Family.INTEGER, Family.FLOAT, Family.DECIMAL})
MOMENTS = frozenset({Family.DATE, Family.TIMESTAMP})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = {"s": 10**6, "ms": 10**3, "us": 1}
_THOUSAND = 1_000
_COMPUTED_BITS = 128


@dataclass(frozen=True)
class Coding(Method):
    """Replace everything beyond a limit by the limit.

    Attributes:
        at: The limit of numbers; None for moments.
        moment: The limit of dates and timestamps, in UTC; None for numbers.
        replacement: The number that stands for all beyond `at`, instead of `at` itself.
    """

    at: Decimal | None
    moment: datetime | None
    replacement: Decimal | None

    moment_option: ClassVar[str]
    beyond: ClassVar[Callable[[Any, Any], Any]]
    arrow_beyond: ClassVar[str]
    nearer: ClassVar[np.ufunc]

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If there is not exactly one limit, or what stands for the rest lies among the others.
        """
        name, option = cls.declaration.name, cls.moment_option
        given = options.get("at"), options.get(option)
        if (given[0] is None) == (given[1] is None):
            raise ValueError(f"{name} needs exactly one of `at:` (numbers) and `{option}:` (dates)")
        replacement = None if options.get("replace_with") is None else exactly(options["replace_with"])
        if given[0] is None:
            if replacement is not None:
                raise ValueError("`replace_with:` goes with `at:`")
            return cls(None, _moment(str(given[1]), option), None)
        at = exactly(given[0])
        if not at.is_finite() or (replacement is not None and not replacement.is_finite()):
            raise ValueError(f"{name} takes finite numbers")
        if replacement is not None and cls.beyond(at, replacement):
            raise ValueError("`replace_with:` would stand among the numbers that stay; it lies beyond `at:`")
        return cls(at, None, replacement)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type itself.

        Raises:
            ValueError: If the limit does not fit the type.
        """
        kind, family = value_type(input_type), family_of(input_type)
        if self.at is None and family not in MOMENTS:
            raise ValueError(f"`{self.moment_option}:` cuts dates and timestamps, not {input_type}; write `at:`")
        if self.at is not None and family not in NUMBERS:
            raise ValueError(f"`at:` cuts numbers, not {input_type}; write `{self.moment_option}:`")
        self._limits(kind)
        return in_layout_of(input_type, kind)

    def shape(self) -> Shape:
        """Promise the bound of numbers; of moments, that they are some."""
        if self.at is None:
            return Shape(families=tuple(sorted(MOMENTS)))
        outermost = float(self.at if self.replacement is None else self.replacement)
        return self.bounded(outermost)

    @abstractmethod
    def bounded(self, outermost: float) -> Shape:
        """Return the shape of numbers that end there."""

    def invalid(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array | None:
        """Say which cells are NaN: they lie on no side of a limit."""
        return not_numbers(column)

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the column with an end.

        Raises:
            MaskingError: If numbers are NaN.
        """
        return by_number(column, surroundings, self._cut)

    def _cut(self, values: pa.Array) -> pa.Array:
        kind = values.type
        limit, replacement = self._limits(kind)
        if pa.types.is_decimal(kind):
            beyond = pc.call_function(self.arrow_beyond, [values, limit])
            return cleansed(pc.if_else(beyond, replacement, values))
        check_numbers(values)
        numbers = cells_of(values)
        end, instead = (cells_of(pa.repeat(each, 1))[0] for each in (limit, replacement))
        cut = room(len(numbers), numbers.dtype)
        for rows in portions(len(numbers)):
            self.nearer(numbers[rows], end, out=cut[rows])
            if instead != end:
                np.copyto(cut[rows], instead, where=type(self).beyond(numbers[rows], end))
        return as_column(cut, values, kind)

    def _limits(self, kind: pa.DataType) -> tuple[pa.Scalar, pa.Scalar]:
        """Return the limit and what stands for all beyond it, in a type.

        Raises:
            ValueError: If the type cannot hold them.
        """
        if self.moment is not None:
            limit = _moment_in(kind, self.moment)
            return limit, limit
        limit = self._number_in(kind, self.at or Decimal(0))
        return limit, limit if self.replacement is None else self._number_in(kind, self.replacement)

    def _number_in(self, kind: pa.DataType, number: Decimal) -> pa.Scalar:
        if pa.types.is_floating(kind):
            if pa.types.is_float16(kind):
                raise ValueError(f"{self.declaration.name} does not take {kind}; convert it to float first")
            float_type = kind.to_pandas_dtype()
            value = float_type(float(number))
            # The nearest float may lie beyond the limit, and would not fit the shape.
            inwards = np.nextafter(value, float_type(0) - self._outwards(float_type))
            return pa.scalar(inwards if type(self).beyond(float(value), float(number)) else value, kind)
        try:
            value = number if pa.types.is_decimal(kind) else int(number)
            scalar = pa.scalar(value, kind)
        except (pa.ArrowInvalid, OverflowError):
            raise ValueError(f"{kind} does not hold {number:f}") from None
        if value != number:
            raise ValueError(f"{kind} does not hold {number:f}")
        return scalar

    def _outwards(self, float_type: Any) -> Any:
        return float_type("inf") if type(self).beyond(1, 0) else float_type("-inf")


def not_numbers(column: pa.Array) -> pa.Array | None:
    """Say which cells of a column in any layout are NaN; None if its type has no NaN."""
    if family_of(column.type) is not Family.FLOAT:
        return None
    return pc.is_nan(plain(column)).fill_null(False)  # noqa: FBT003  the value of a null


class StrangeNumbersError(ValueError):
    """Some cells are NaN."""


def check_numbers(column: pa.Array) -> None:
    """Refuse a plain column of numbers if one of them is NaN.

    Raises:
        StrangeNumbersError: If so.
    """
    if not pa.types.is_floating(column.type):
        return
    with np.errstate(all="ignore"):
        # One pass tells of nearly all columns that there is none.
        total = cells_of(column).sum(dtype=np.float64)
    if not np.isfinite(total) and pc.any(pc.is_nan(column)).as_py():
        raise StrangeNumbersError


def by_number(column: pa.Array, surroundings: Surroundings, mask: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Mask a column by a function of single numbers that begins with :func:`check_numbers`.

    Raises:
        MaskingError: If numbers are NaN, with how many.
    """
    try:
        return by_value(column, lambda values: _in_wide_decimals(values, mask))
    except StrangeNumbersError:
        count = pc.sum(not_numbers(column)).as_py()
        raise MaskingError(
            f'column "{surroundings.column}": {count} values are NaN. '
            "Say `on_invalid: nullify`, or make them null first."
        ) from None


def _in_wide_decimals(values: pa.Array, mask: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Mask decimals of 32 and 64 bits as those of 128: Arrow does not compute with the others."""
    kind = values.type
    if not pa.types.is_decimal(kind) or kind.bit_width >= _COMPUTED_BITS:
        return mask(values)
    return mask(values.cast(pa.decimal128(kind.precision, kind.scale))).cast(kind)


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"`{option}:` lies outside of the years 1 to 9999 in UTC") from None
    except ValueError:
        raise ValueError(f"`{option}:` is a date such as 2020-12-31, or a time such as 2020-12-31T12:00:00Z") from None


def _moment_in(kind: pa.DataType, moment: datetime) -> pa.Scalar:
    since = moment - _EPOCH
    if pa.types.is_date(kind):
        if since % timedelta(days=1):
            raise ValueError(f"{kind} has no times of day; write the date alone")
        return pa.scalar(date(moment.year, moment.month, moment.day), kind)
    microseconds = since // timedelta(microseconds=1)
    count, rest = divmod(microseconds, _MICROSECONDS.get(kind.unit, 1))
    if rest:
        raise ValueError(f"{kind} does not hold {moment.isoformat()}")
    count *= _THOUSAND if kind.unit == "ns" else 1
    if not np.iinfo(np.int64).min < count <= np.iinfo(np.int64).max:
        raise ValueError(f"{kind} does not reach {moment.isoformat()}")
    return pa.scalar(count, pa.int64()).cast(kind)
