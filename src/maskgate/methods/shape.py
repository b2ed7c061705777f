"""How a method's output looks: what the gate can check on sealed bytes without a key.

A shape is data. It goes through JSON unchanged (:meth:`Shape.as_json`), holds no value of the data, and counts the
cells that do not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.families import family_of
from maskgate.methods.layout import plain
from maskgate.methods.method import Family
from maskgate.methods.numbers import as_doubles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Shape:
    """What every non-null cell of a masked column fulfils.

    Attributes:
        absent: The column must not be there at all.
        free: Anything goes; the method promises nothing that can be seen (``keep``).
        all_null: Every cell is null.
        constant: Every cell is this text.
        pattern: RE2 pattern that a whole cell of text matches.
        minimum: Least number, inclusive.
        maximum: Greatest number, inclusive.
        multiple_of: Every number is a multiple of this, off from `offset`.
        offset: Where the multiples start.
        max_length: Most characters in a cell of text.
        one_of: Texts of which every cell is one; numbers and booleans are compared as they are written.
        type_names: Arrow types the column may have, as ``str(type)``; empty if any.
        families: Families of types the column may have, as :class:`~maskgate.methods.Family` spells them; empty if
            any.
        any_of: Shapes of which every cell has at least one, beside what else is said here.
    """

    absent: bool = False
    free: bool = False
    all_null: bool = False
    constant: str | None = None
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: float | None = None
    offset: float = 0.0
    max_length: int | None = None
    one_of: tuple[str, ...] = ()
    type_names: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    any_of: tuple[Shape, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the parts that say something, as JSON values."""
        plain = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value != item.default:
                plain[item.name] = _as_json(value)
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Shape:
        """Make the shape that :meth:`as_json` wrote."""
        made = dict(value)
        for name in ("one_of", "type_names", "families"):
            made[name] = tuple(value.get(name, ()))
        made["any_of"] = tuple(cls.from_json(each) for each in value.get("any_of", ()))
        return cls(**made)

    def violations(self, column: pa.Array | pa.ChunkedArray) -> int:
        """Count the non-null cells of a column that do not fit."""
        if isinstance(column, pa.ChunkedArray):
            return sum(self.violations(chunk) for chunk in column.chunks)
        # Of nulls within runs and unions, `null_count` knows nothing.
        if self.free or not column.is_valid().true_count:
            return 0
        present = plain(column).drop_null()
        return int(len(present) - self._fitting(present).sum())

    def _fitting(self, present: pa.Array) -> NDArray[np.bool_]:
        """Say of each cell of a column without nulls and nesting whether it fits."""
        if self.absent or self.all_null or not self._fits_type(present.type):
            return np.zeros(len(present), dtype=bool)
        fits = np.ones(len(present), dtype=bool)
        if self.free:
            return fits
        for test in self._tests(present):
            fits &= test.to_numpy(zero_copy_only=False)
        if self.any_of:
            fits &= np.logical_or.reduce([each._fitting(present) for each in self.any_of])  # noqa: SLF001  its own class
        return fits

    def _fits_type(self, type_: pa.DataType) -> bool:
        if self.type_names and str(type_) not in self.type_names:
            return False
        family = family_of(type_)
        if self.families and family not in self.families:
            return False
        if self._is_of_text() and family is not Family.STRING:
            return False
        return not self._is_of_numbers() or family in _NUMBERS

    def _is_of_text(self) -> bool:
        return any(each is not None for each in (self.constant, self.pattern, self.max_length))

    def _is_of_numbers(self) -> bool:
        return any(each is not None for each in (self.minimum, self.maximum, self.multiple_of))

    def _tests(self, column: pa.Array) -> list[pa.Array]:
        tests = []
        if self.constant is not None:
            tests.append(pc.equal(column, pa.scalar(self.constant, column.type)))
        if self.pattern is not None:
            tests.append(pc.match_substring_regex(column, rf"\A(?:{self.pattern})\z"))
        if self.max_length is not None:
            tests.append(pc.less_equal(pc.utf8_length(column), self.max_length))
        if self.one_of:
            tests.append(pc.is_in(column.cast(pa.string()), value_set=pa.array(self.one_of, pa.string())))
        if self._is_of_numbers():
            tests.extend(self._number_tests(pa.array(as_doubles(column))))
        return tests

    def _number_tests(self, numbers: pa.Array) -> list[pa.Array]:
        tests = []
        if self.minimum is not None:
            tests.append(pc.greater_equal(numbers, self.minimum))
        if self.maximum is not None:
            tests.append(pc.less_equal(numbers, self.maximum))
        if self.multiple_of is not None:
            steps = pc.divide(pc.subtract(numbers, self.offset), self.multiple_of)
            away = pc.abs(pc.subtract(steps, pc.round(steps)))
            # A double carries about 16 digits; what is left after rounding is the division's own error. What is beyond
            # all doubles is a multiple of anything.
            near = pc.less_equal(away, pc.add(1e-9, pc.multiply(pc.abs(steps), 1e-12)))
            tests.append(pc.or_(near, pc.is_inf(steps)))
        return tests


_NUMBERS = (Family.INTEGER, Family.FLOAT, Family.DECIMAL)


def literally(text: str) -> str:
    r"""Write a text as a pattern that it alone matches.

    Example:
        >>> literally("em_1.0*")
        'em_1\\.0\\*'
    """
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in text)


_SPECIAL = frozenset(r"\.+*?()|[]{}^$")


def _as_json(value: Any) -> Any:
    if isinstance(value, Shape):
        return value.as_json()
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value
