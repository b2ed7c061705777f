"""Give the values of a column to other rows, in a random order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa

from maskgate.methods.chance import chance_for
from maskgate.methods.layout import countable, plain
from maskgate.methods.method import Declaration, Domain, Method, Surroundings, Uniqueness
from maskgate.methods.permutation import (
    MOVABLE,
    among_present,
    is_fixed,
    movable,
    moved_type,
    rearranged,
    shuffled,
    with_zeros,
)
from maskgate.methods.row_order import PresentRows, RowOrder, shuffled_sources
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.keys import Key


@dataclass(frozen=True)
class Shuffle(Method):
    """Permute the values that are not null, every order as likely as any other; nulls stay where they are.

    All values are still there, so that a value which only one person can have still names that person; and a value
    may come back to its own row.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="shuffle",
        done="shuffled over all rows",
        term="randomization (permutation)",
        summary="Gives the values of the column to other rows in a random order; all values are still there.",
        accepts=MOVABLE,
        uniqueness=Uniqueness.PRESERVED,
        needs_key=True,
        whole_table=True,
    )

    @classmethod
    def configure(cls, _options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method, which has no options."""
        return cls()

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type of the values."""
        return moved_type(input_type)

    def shape(self) -> Shape:
        """Promise nothing: any value of the column may come out."""
        return Shape(families=tuple(sorted(family.value for family in MOVABLE)))

    def row_order(self, key: Key, table: str, column: str) -> RowOrder:
        """Return what orders the rows of a table that has a row key."""
        return RowOrder(key, table, column, purpose="shuffle", parameters=[])

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the values in another order.

        Raises:
            MaskingError: If there is no key, or the table's row key does not tell all rows apart.
        """
        column = movable(column)
        rows = PresentRows.of(column, surroundings, self.row_order)
        if rows is not None:
            return rearranged(column, among_present(column, shuffled_sources(rows.marks, rows.places[0])))
        chance = chance_for([column], surroundings, purpose="shuffle", parameters=[])
        if not pa.types.is_dictionary(column.type) or not is_fixed(column.type.value_type):
            return shuffled(column, chance)
        # By their values, as if there were no dictionary.
        return movable(countable(shuffled(with_zeros(plain(column)), chance)).dictionary_encode().cast(column.type))
