"""Make every cell null."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from maskgate.methods.families import EVERY_FAMILY
from maskgate.methods.method import Declaration, Domain, Method, Surroundings
from maskgate.methods.nesting import nulls
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


@dataclass(frozen=True)
class Nullify(Method):
    """Keep the column and its type, and none of its values."""

    declaration: ClassVar[Declaration] = Declaration(
        name="nullify",
        done="emptied",
        term="masking (removal of all values of the attribute)",
        summary="Makes every value null.",
        accepts=EVERY_FAMILY,
    )

    @classmethod
    def configure(cls, _options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method; it has no options."""
        return cls()

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type itself."""
        return input_type

    def shape(self) -> Shape:
        """Promise that every cell is null."""
        return Shape(all_null=True)

    def apply(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array:
        """Return as many nulls."""
        return nulls(len(column), column.type)
