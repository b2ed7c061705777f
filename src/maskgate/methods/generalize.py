"""Replace values by something coarser: a period, a band of numbers, a prefix, a level of a hierarchy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.errors import MaskingError
from maskgate.methods.bands import (
    WIDTH_PATTERN,
    NotANumberError,
    bands_by_edges,
    bands_of_width,
    check_edges,
    check_width,
    edges_pattern,
)
from maskgate.methods.families import family_of
from maskgate.methods.hierarchy import Hierarchy
from maskgate.methods.layout import by_value, in_layout_of, plain, text_type
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings
from maskgate.methods.period_names import PERIODS
from maskgate.methods.periods import PATTERNS, period_of
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATES = frozenset({Family.DATE, Family.TIMESTAMP})
_NUMBERS = frozenset({Family.INTEGER, Family.FLOAT, Family.DECIMAL})
_WAYS = {
    "to": (_DATES, "dates and timestamps"),
    "band": (_NUMBERS, "numbers"),
    "keep_first": (frozenset({Family.STRING}), "strings"),
    "hierarchy": (frozenset({Family.STRING, Family.INTEGER}), "strings and integers"),
}


@dataclass(frozen=True)
class Generalize(Method):
    """Replace every value by a coarser one, in exactly one of four ways.

    Attributes:
        to: The period that stands for a date.
        not_before: The first year that dates are told apart in; earlier ones become its first period.
        band: The width of all bands of numbers, or the edges between them.
        keep_first: How many characters stay of a text; a shorter text stays whole.
        hierarchy: What stands for each value.
    """

    to: str | None
    not_before: int | None
    band: float | tuple[float, ...] | None
    keep_first: int | None
    hierarchy: Hierarchy | None

    declaration: ClassVar[Declaration] = Declaration(
        name="generalize",
        done="made coarser",
        term="generalization (rounding, bottom coding)",
        summary="Replaces values by coarser ones: the period of a date, the band of a number, the beginning of a text, "
        "a level of a hierarchy.",
        accepts=_DATES | _NUMBERS | {Family.STRING},
        parameters=(
            Parameter("to", Kind.CHOICE, "The period that a date is replaced by.", choices=PERIODS),
            Parameter(
                "not_before", Kind.INTEGER, "With `to`: earlier dates become this year.", minimum=1, maximum=9999
            ),
            Parameter("band", Kind.NUMBERS, "The width of bands of numbers, or a list of the edges between them."),
            Parameter("keep_first", Kind.INTEGER, "How many characters stay of a text.", minimum=1, maximum=1000),
            Parameter(
                "hierarchy",
                Kind.FILE,
                "A file with a line for each value: the value, and behind it what stands for it at level 1, 2 and so "
                "on, parted by semicolons or commas.",
            ),
            Parameter("level", Kind.INTEGER, "With `hierarchy`: the level that replaces the values.", minimum=1),
        ),
        one_of=tuple(_WAYS),
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If not exactly one of ``to``, ``band``, ``keep_first`` and ``hierarchy`` is there, or it makes
                no sense.
        """
        given = [way for way in _WAYS if options.get(way) is not None]
        if len(given) != 1:
            raise ValueError("generalize needs exactly one of `to:`, `band:`, `keep_first:` and `hierarchy:`")
        if options.get("not_before") is not None and given != ["to"]:
            raise ValueError("`not_before:` goes with `to:`")
        level = options.get("level")
        if (level is None) == (given == ["hierarchy"]):
            raise ValueError("`hierarchy:` and `level:` go together")
        hierarchy = None if level is None else Hierarchy.read(options["hierarchy"], level)
        band = options.get("band")
        if isinstance(band, (list, tuple)):
            check_edges(band)
            band = tuple(band)
        elif band is not None:
            check_width(band)
        return cls(options.get("to"), options.get("not_before"), band, options.get("keep_first"), hierarchy)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return int32 for a year, text for anything else.

        Raises:
            ValueError: If the way does not fit the type.
        """
        way = next(way for way in _WAYS if getattr(self, way) is not None)
        families, words = _WAYS[way]
        if family_of(input_type) not in families:
            raise ValueError(f"`{way}:` generalizes {words}, not {input_type}")
        return in_layout_of(input_type, pa.int32()) if self.to == "year" else text_type(input_type)

    def shape(self) -> Shape:
        """Promise the form of a period, the names of bands or of a level, or the length of a prefix."""
        if self.hierarchy is not None:
            return Shape(one_of=self.hierarchy.names())
        if self.to == "year":
            return Shape(minimum=self.not_before, type_names=("int32",))
        if self.to is not None:
            return Shape(pattern=PATTERNS[self.to])
        if self.keep_first is not None:
            return Shape(max_length=self.keep_first)
        return Shape(pattern=edges_pattern(self.band) if isinstance(self.band, tuple) else WIDTH_PATTERN)

    def invalid(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array | None:
        """Return which cells the hierarchy does not have, or no band holds because they are NaN."""
        if self.hierarchy is not None:
            labels = by_value(column, self.hierarchy.label)
            return pc.and_(_is_valid(column), pc.invert(_is_valid(labels)))
        if self.band is None or family_of(column.type) is not Family.FLOAT:
            return None
        return pc.is_nan(plain(column)).fill_null(False)  # noqa: FBT003

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the coarser values.

        Raises:
            MaskingError: If numbers are NaN, or the hierarchy does not have a value.
        """
        where = f'column "{surroundings.column}"'
        try:
            coarser = by_value(column, self._generalized)
        except NotANumberError as error:
            raise MaskingError(
                f"{where}: {error.count} values are NaN, which no band holds. "
                "Say `on_invalid: nullify`, or make them null first."
            ) from None
        if self.hierarchy is not None and coarser.null_count:
            count = pc.sum(_is_valid(column)).as_py() - pc.sum(_is_valid(coarser)).as_py()
            if count:
                raise MaskingError(
                    f"{where}: {count} values are not in the hierarchy. "
                    "Say `on_invalid: nullify`, or add lines for them to the file."
                )
        return coarser

    def _generalized(self, values: pa.Array) -> pa.Array:
        if self.hierarchy is not None:
            return self.hierarchy.label(values)
        if self.to is not None:
            return period_of(values, self.to, self.not_before)
        if self.keep_first is not None:
            return pc.utf8_slice_codeunits(values, 0, self.keep_first)
        if isinstance(self.band, tuple):
            return bands_by_edges(values, self.band)
        return bands_of_width(values, self.band or 0)


def _is_valid(column: pa.Array) -> pa.Array:
    """Return which cells are not null, neither by themselves nor in the dictionary."""
    if not pa.types.is_dictionary(column.type):
        return column.is_valid()
    return pc.take(column.dictionary.is_valid(), column.indices).fill_null(False)  # noqa: FBT003
