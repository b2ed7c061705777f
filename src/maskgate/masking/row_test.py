"""A condition against the type of its column: which rows it holds for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.families import family_of
from maskgate.methods.layout import plain
from maskgate.methods.method import Family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.masking.frames import Frame, Reference
    from maskgate.rules.conditions import Condition, Scalar

_NUMBERS = (Family.INTEGER, Family.FLOAT, Family.DECIMAL)
_EXPECTED = {
    Family.INTEGER: "a whole number that it can hold",
    Family.FLOAT: "a number",
    Family.DECIMAL: "a number that it can hold",
    Family.STRING: "a text; quote it",
    Family.BOOLEAN: "true or false",
    Family.DATE: 'a date such as "2024-02-29"',
    Family.TIMESTAMP: 'a moment such as "2024-02-29T13:05:00" (UTC)',
}


@dataclass(frozen=True, eq=False)
class RowTest:
    """A condition, ready to be held against originals.

    Attributes:
        condition: What the rules say.
        reference: Where the column is.
        values: Values of the column's type; None if it is not about single values.
        at_least: The least value, in the column's type.
        at_most: The greatest.
    """

    condition: Condition
    reference: Reference
    values: pa.Array | None
    at_least: pa.Scalar | None
    at_most: pa.Scalar | None

    @classmethod
    def make(cls, condition: Condition, reference: Reference) -> RowTest:
        """Check a condition against the type of its column.

        Raises:
            ValueError: If the two cannot be compared; the message says what could.
        """
        kind = _plain_type(reference.type)
        given = [each for each in condition.values if each is not None]
        if condition.matches is not None and family_of(kind) is not Family.STRING:
            raise ValueError(f"`matches:` is for text, not {kind}")
        values = _both_zeros(pa.array([_scalar(each, kind) for each in given], kind)) if given else None
        bounds = (condition.at_least, condition.at_most)
        if any(bound is not None for bound in bounds) and family_of(kind) in (Family.STRING, Family.BOOLEAN):
            raise ValueError(f"`at_least:` and `at_most:` are for numbers, dates and moments, not {kind}")
        least, most = (None if bound is None else _scalar(bound, kind) for bound in bounds)
        return cls(condition, reference, values, least, most)

    def holds(self, frame: Frame) -> NDArray[np.bool_]:
        """Say for each row, or element, whether the condition holds."""
        column = plain(frame.column(self.reference))
        fits = np.ones(len(column), bool)
        if self.condition.values:
            fits = _truth(pc.is_in(column, value_set=self.values)) if self.values is not None else ~fits
        if self.at_least is not None:
            fits &= _truth(pc.greater_equal(column, self.at_least))
        if self.at_most is not None:
            fits &= _truth(pc.less_equal(column, self.at_most))
        if self.condition.matches is not None:
            fits &= _truth(pc.match_substring_regex(column, self.condition.matches))
        present = _truth(column.is_valid())
        if self.condition.negated:
            return present & ~fits
        return np.where(present, fits, None in self.condition.values)


def _both_zeros(values: pa.Array) -> pa.Array:
    """Add the other zero to floats among which there is one: Arrow's sets tell 0.0 and -0.0 apart, and nobody else."""
    if pa.types.is_floating(values.type) and 0.0 in values.to_pylist():
        return pa.concat_arrays([values, pa.array([0.0, -0.0], values.type)])
    return values


def _plain_type(type_: pa.DataType) -> pa.DataType:
    return plain(pa.array([], type_)).type if not pa.types.is_nested(type_) else type_


def _truth(booleans: pa.Array) -> NDArray[np.bool_]:
    truth: NDArray[np.bool_] = pc.fill_null(booleans, fill_value=False).to_numpy(zero_copy_only=False)
    return truth


def _scalar(value: Scalar, kind: pa.DataType) -> pa.Scalar:
    family = family_of(kind)
    fits = {
        Family.STRING: isinstance(value, str),
        Family.BOOLEAN: isinstance(value, bool),
        Family.DATE: isinstance(value, str),
        Family.TIMESTAMP: isinstance(value, str),
    }.get(family, family in _NUMBERS and isinstance(value, int | float) and not isinstance(value, bool))
    converted = _converted_or_none(value, kind, family) if fits else None
    if converted is not None:
        return converted
    expected = _EXPECTED.get(family)
    if expected is None:
        raise ValueError(f"{kind} can only be compared with null")
    raise ValueError(f"{kind} is compared with {expected}, not {json.dumps(value, ensure_ascii=False)}")


def _converted_or_none(value: Scalar, kind: pa.DataType, family: Family) -> pa.Scalar | None:
    """Return the value in the type of the column; None if the type does not hold it."""
    try:
        return _converted(value, kind, family)
    except (pa.ArrowException, ValueError, OverflowError):
        return None


def _converted(value: Scalar, kind: pa.DataType, family: Family) -> pa.Scalar:
    if family is Family.TIMESTAMP:
        return pa.scalar(_moment(value, kind.unit).value, pa.int64()).cast(kind)
    if family is Family.DECIMAL:
        return pa.scalar(str(value)).cast(kind)
    if family is Family.DATE:
        return pa.scalar(value).cast(pa.date32()).cast(kind)
    return pa.scalar(float(value) if family is Family.FLOAT and value is not None else value).cast(kind)


def _moment(value: Scalar, unit: str) -> pa.Scalar:
    """Read a moment in UTC, or with its offset from it."""
    try:
        return pa.scalar(value).cast(pa.timestamp(unit))
    except pa.ArrowInvalid:
        return pa.scalar(value).cast(pa.timestamp(unit, "UTC"))
