"""Keep a column as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from maskgate.methods.cleansing import cleansed
from maskgate.methods.families import EVERY_FAMILY
from maskgate.methods.method import Declaration, Domain, Method, ReversibleBy, Surroundings, Uniqueness
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


@dataclass(frozen=True)
class Keep(Method):
    """Keep every cell; drop the bytes that no cell shows."""

    declaration: ClassVar[Declaration] = Declaration(
        name="keep",
        done="kept as it is",
        term="none (the attribute is retained)",
        summary="Leaves the values as they are.",
        accepts=EVERY_FAMILY,
        uniqueness=Uniqueness.PRESERVED,
        reversible_by=ReversibleBy.EVERYBODY,
    )

    @classmethod
    def configure(cls, _options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method; it has no options."""
        return cls()

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type itself."""
        return input_type

    def shape(self) -> Shape:
        """Promise nothing."""
        return Shape(free=True)

    def apply(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array:
        """Return the same cells without the bytes beside them."""
        return cleansed(column)
