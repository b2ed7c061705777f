"""Change categories at random, with known odds.

The post-randomization method (Gouweleeuw, Kooiman, Willenborg and de Wolf, 1998; Warner's randomized response, 1965):
each value is replaced by one of the categories, with probabilities that depend on the value. Who knows them can
correct the counts of a whole table, and is never sure of one row.

The draw is a keyed function of table, column, entity, value and every probability, so that a value of a person is
changed in the same way in each release. Probabilities are whole multiples of 2^-64, less than that away from what the
rules say.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.canonical import canonical_bytes
from maskgate.crypto.cells import validity, validity_buffer
from maskgate.crypto.room import room
from maskgate.errors import MaskingError
from maskgate.methods.entities import EntityDraws
from maskgate.methods.exact_weights import ExactWeights, whole_weights
from maskgate.methods.families import value_type
from maskgate.methods.fixed_width import as_column, clear_nulls, portions, view
from maskgate.methods.layout import by_value, null_count, plain
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, ReversibleBy, Surroundings
from maskgate.methods.numbers import exactly, written
from maskgate.methods.permutation import moved_type, with_zeros
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Integers that lie so close are looked up in a table.
_MOST_IN_TABLE = 2**16
_LEAST_CATEGORIES, _MOST_CATEGORIES = 2, 1000
_BOOLEANS = ("false", "true")
_ROUNDING = Fraction(1, 10**6)
"""How far the probabilities of a row may be from 1 in sum: they are written with few digits."""


@dataclass(frozen=True)
class Pram(Method):
    """Replace categories by categories, with the probabilities of a matrix.

    Attributes:
        categories: All values there are, as they are written.
        matrix: For each category the probabilities, as decimals, that it becomes each of them.
        retain: The probability that a value stays, if all the others are equally likely; None if a matrix says.
    """

    categories: tuple[str, ...]
    matrix: tuple[tuple[str, ...], ...]
    retain: str | None

    declaration: ClassVar[Declaration] = Declaration(
        name="pram",
        done="changed by chance, with known odds",
        term="randomization (post-randomization)",
        summary="Replaces each category by one drawn with known odds, the same for the same value of the same entity.",
        accepts=frozenset({Family.STRING, Family.INTEGER, Family.BOOLEAN}),
        parameters=(
            Parameter(
                "retain",
                Kind.NUMBER,
                "The probability that a value stays; else it becomes any other of the `categories`, all alike.",
                minimum=0,
                maximum=1,
            ),
            Parameter("categories", Kind.VALUES, "With `retain`: all values of the column, at least two."),
            Parameter(
                "matrix",
                Kind.MATRIX,
                "Instead of `retain`: for each value of the column, the probability that it becomes each value; "
                "those not named are 0, and each row sums to 1.",
            ),
        ),
        one_of=("retain", "matrix"),
        reversible_by=ReversibleBy.KEY_HOLDER,
        needs_key=True,
        needs_entity=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If options are missing or contradict each other, or the probabilities are none.
        """
        matrix, retain, categories = (options.get(name) for name in ("matrix", "retain", "categories"))
        if matrix is not None and retain is None and categories is None:
            return cls._of_matrix(matrix)
        if retain is None or categories is None or matrix is not None:
            raise ValueError("pram needs `matrix:`, or `retain:` together with `categories:`")
        if len(set(categories)) < len(categories):
            raise ValueError("`categories:` names a value twice")
        _check_count(categories)
        if not 0 <= retain <= 1:
            raise ValueError("`retain:` is a probability, from 0 to 1")
        stays, others = Fraction(exactly(retain)), len(categories) - 1
        rows = tuple(
            tuple(str(stays if row == place else (1 - stays) / others) for place in range(others + 1))
            for row in range(others + 1)
        )
        return cls(tuple(categories), rows, written(exactly(retain)))

    @classmethod
    def _of_matrix(cls, matrix: Mapping[str, Mapping[str, float]]) -> Self:
        categories = tuple(matrix)
        unknown = {name for row in matrix.values() for name in row} - set(categories)
        if unknown:
            raise ValueError("`matrix:` has no row for some value that it changes others to; every value needs one")
        _check_count(categories)
        rows = []
        for number, row in enumerate(matrix.values(), start=1):
            likely = all(0 <= chance <= 1 + _ROUNDING for chance in row.values())
            chances = [Fraction(exactly(row.get(name, 0))) for name in categories] if likely else []
            whole = sum(chances, Fraction(0))
            if abs(whole - 1) > _ROUNDING:
                raise ValueError(f"row {number} of `matrix:` must hold probabilities that sum to 1")
            rows.append(tuple(str(chance / whole) for chance in chances))
        return cls(categories, tuple(rows), None)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type of the values.

        Raises:
            ValueError: If the categories are no values of the type.
        """
        self._values(value_type(input_type))
        output = moved_type(input_type)
        if pa.types.is_dictionary(output) and len(self.categories) > np.iinfo(output.index_type.to_pandas_dtype()).max:
            return pa.dictionary(pa.int32(), output.value_type)
        return output

    def shape(self) -> Shape:
        """Promise the categories."""
        return Shape(one_of=self.categories)

    def facts(self) -> Mapping[str, Any]:
        """Return the epsilon of one cell under `retain`, which is then randomized response."""
        if self.retain is None:
            return {}
        weights = [weight for row in _weights(self.matrix) for weight in row]
        if min(weights) == 0:
            return {}
        odds = Context(prec=30, rounding=ROUND_CEILING).divide(max(weights), min(weights))
        return {
            "epsilon": float(Context(prec=12, rounding=ROUND_CEILING).plus(odds.ln())),
            "claim": "local differential privacy (computational), of one value of one entity",
            "mechanism": "randomized response",
        }

    def invalid(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array | None:
        """Return which cells are none of the categories."""
        column = plain(column)
        places = self._places(column)
        return pc.and_(column.is_valid(), places.is_null()) if places.null_count > column.null_count else None

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the values that were drawn.

        Raises:
            MaskingError: If a value is none of the categories, or there is no key, or no entity for a value.
        """
        places = self._places(column)
        strange = places.null_count - null_count(column)
        if strange:
            raise MaskingError(
                f'column "{surroundings.column}": {strange} values are none of the categories of pram. '
                "Say `on_invalid: nullify`, or name them."
            )
        context = _context(surroundings.table, surroundings.column, self.categories, self.matrix)
        draws = EntityDraws(column, surroundings, purpose="pram", context=context)
        weights, values = _laid_out(self.matrix), self._values(value_type(column.type))
        values = values.cast(value_type(self.output_type(column.type)))
        # Numbers are written as soon as they are drawn.
        is_plain = pa.types.is_integer(column.type)
        written = view(values, values.type.to_pandas_dtype()) if is_plain else np.arange(len(values))
        before, after = view(places, np.int32), room(len(places), written.dtype)
        for rows in draws.portions():
            here = before[rows].astype(np.int64)
            drawn = draws.draw(rows, here.view(np.uint64))
            written.take(weights.draw(drawn[:, 0], here), out=after[rows], mode="clip")
        if is_plain:
            return as_column(after, places, values.type)
        valid = validity(places)
        taken = pa.array(after, mask=None if valid is None else ~valid)
        if not pa.types.is_dictionary(column.type):
            return pc.take(values, taken)
        entries = by_value(pa.DictionaryArray.from_arrays(taken, values), lambda used: used)
        return entries.cast(self.output_type(column.type))

    def _places(self, column: pa.Array) -> pa.Array:
        """Return for each cell which category it is, as int32; null, over 0, where it is null or none."""
        values = self._values(value_type(column.type))
        if pa.types.is_dictionary(column.type):
            return with_zeros(pc.take(_found(plain(column.dictionary), values), column.indices))
        return with_zeros(_found(plain(column), values))

    def _values(self, kind: pa.DataType) -> pa.Array:
        """Return the categories as values of a type.

        Raises:
            ValueError: If they are none.
        """
        if pa.types.is_boolean(kind) and not set(self.categories) <= set(_BOOLEANS):
            raise ValueError("the categories of booleans are `true` and `false`")
        try:
            values = pa.array(self.categories, pa.string()).cast(kind)
        except pa.ArrowInvalid:
            raise ValueError(f"some category is no value of {kind}") from None
        if values.cast(pa.string()).to_pylist() != list(self.categories):
            raise ValueError(f"some category is not written as {kind} values are, in shortest form")
        return values


def _found(cells: pa.Array, values: pa.Array) -> pa.Array:
    """Return the place of each plain cell among the values; null where it is none of them."""
    values = values.cast(cells.type)
    if pa.types.is_integer(cells.type):
        least, most = (each.as_py() for each in pc.min_max(values).values())
        if most - least < _MOST_IN_TABLE:
            return _looked_up(cells, values, least, most)
    return pc.index_in(cells, value_set=values)


def _looked_up(cells: pa.Array, values: pa.Array, least: int, most: int) -> pa.Array:
    """Find integers that lie close in a table of all integers in between."""
    table = np.full(most - least + 3, -1, np.int32)
    table[[value - least + 1 for value in values.to_pylist()]] = np.arange(len(values))
    numbers, valid = view(cells, cells.type.to_pandas_dtype()), validity(cells)
    ends = np.iinfo(numbers.dtype)
    # The entries at both ends are for all that is beyond.
    first, last = max(least - 1, int(ends.min)), min(most + 1, int(ends.max))
    places, is_found = room(len(numbers), np.int32), np.empty(len(numbers), np.bool_)
    for rows in portions(len(numbers)):
        here = np.clip(numbers[rows], first, last)
        here -= numbers.dtype.type(first)
        at = here.view(f"u{here.itemsize}").astype(np.int64)
        at += first - least + 1
        table.take(at, out=places[rows], mode="clip")
        np.greater_equal(places[rows], 0, out=is_found[rows])
    if valid is not None:
        is_found &= valid
    found = None if is_found.all() else is_found
    clear_nulls(places, found)
    return pa.Array.from_buffers(pa.int32(), len(places), [validity_buffer(found), pa.py_buffer(places)])


def _check_count(categories: Sequence[str]) -> None:
    if not _LEAST_CATEGORIES <= len(categories) <= _MOST_CATEGORIES:
        raise ValueError(f"pram takes from {_LEAST_CATEGORIES} to {_MOST_CATEGORIES} categories")


@lru_cache(maxsize=64)
def _context(table: str, column: str, categories: tuple[str, ...], matrix: tuple[tuple[str, ...], ...]) -> str:
    """Spell what a draw depends on beside entity and value; of many categories, that takes longer than a batch."""
    return canonical_bytes([table, column, list(categories), [list(row) for row in matrix]]).decode()


@lru_cache(maxsize=64)
def _weights(matrix: tuple[tuple[str, ...], ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(whole_weights([Fraction(chance) for chance in row])) for row in matrix)


@lru_cache(maxsize=64)
def _laid_out(matrix: tuple[tuple[str, ...], ...]) -> ExactWeights:
    return ExactWeights.of(_weights(matrix), range(len(matrix)))
